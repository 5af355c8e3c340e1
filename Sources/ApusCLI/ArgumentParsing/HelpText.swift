/// The help of a program and of its commands, in 80 to 100 columns.
struct HelpText {
    let program: Program
    let columns: Int

    private static let columnRange = 80...100
    /// Names wider than this stand on a line of their own.
    private static let widestTerm = 30

    init(program: Program, columns: Int) {
        self.program = program
        self.columns = min(max(columns, Self.columnRange.lowerBound), Self.columnRange.upperBound)
    }

    /// The help of the whole program.
    var overview: String {
        let specifications = program.commands.map { $0.specification }
        return join([
            paragraph(program.abstract),
            "Usage: \(program.name) <command> [options]",
            section("Commands", specifications.map { ($0.name, $0.abstract) }),
            section(
                "Options",
                [
                    ("-h, --help", "Show this help, or that of the command before it."),
                    ("--version", "Show the version."),
                ]),
            examples(specifications.compactMap(\.examples.first)),
        ])
    }

    /// The help of one command.
    func help(for command: CommandSpecification) -> String {
        let operands = section("Arguments", command.operands.map { ($0.spelling, $0.help) })
        var groups = command.groups.filter { !$0.options.isEmpty }.map { group in
            section(group.title, group.options.map { (term($0), description($0)) })
        }
        groups.append(section(groups.isEmpty ? "Options" : "Help", [("-h, --help", "Show this help.")]))
        return join(
            [paragraph(command.abstract), usage(of: command), operands] + groups
                + command.glossaries.map { section($0.title, $0.entries.map { ($0.term, $0.meaning) }) }
                + [examples(command.examples)])
    }

    private func usage(of command: CommandSpecification) -> String {
        let required = command.options.filter(\.isRequired).map {
            "\($0.spelling) <\($0.valueName ?? "value")>"
        }
        let caller = program.name == command.name ? command.name : "\(program.name) \(command.name)"
        let start = "Usage: \(caller) "
        let words = command.operands.map(\.spelling) + required + ["[options]"]
        let lines = wrap(words, columns: columns - start.count)
        return lines.enumerated().map { index, line in
            (index == 0 ? start : String(repeating: " ", count: start.count)) + line
        }.joined(separator: "\n")
    }

    private func term(_ option: any OptionDeclaration) -> String {
        let short = option.short.map { "-\($0), " } ?? "    "
        return short + option.spelling + (option.valueName.map { " <\($0)>" } ?? "")
    }

    private func description(_ option: any OptionDeclaration) -> String {
        let notes = option.notes.joined(separator: "; ")
        return notes.isEmpty ? option.help : "\(option.help) (\(notes))"
    }

    private func examples(_ examples: [Example]) -> String {
        let lines = examples.flatMap { example in
            ["  \(program.name) \(example.arguments)"]
                + wrap(example.purpose.words, columns: columns - 6).map { "      " + $0 }
        }
        return lines.isEmpty ? "" : (["Examples:"] + lines).joined(separator: "\n")
    }

    /// A heading, and terms with their descriptions in two columns.
    private func section(_ title: String, _ rows: [(term: String, description: String)]) -> String {
        guard !rows.isEmpty else { return "" }
        let widest = rows.map(\.term.count).filter { $0 <= Self.widestTerm }.max() ?? 0
        let indentation = String(repeating: " ", count: widest + 4)
        var lines = ["\(title):"]
        for row in rows {
            let text = wrap(row.description.words, columns: columns - indentation.count)
            let start = "  \(row.term)"
            if start.count <= indentation.count - 2 {
                let gap = String(repeating: " ", count: indentation.count - start.count)
                lines.append(start + gap + (text.first ?? ""))
                lines += text.dropFirst().map { indentation + $0 }
            } else {
                lines.append(start)
                lines += text.map { indentation + $0 }
            }
        }
        return lines.joined(separator: "\n")
    }

    private func paragraph(_ text: String) -> String {
        wrap(text.words, columns: columns).joined(separator: "\n")
    }

    private func join(_ sections: [String]) -> String {
        sections.filter { !$0.isEmpty }.joined(separator: "\n\n") + "\n"
    }

    /// Words set in lines of at most so many columns; a longer word has a line of its own.
    private func wrap(_ words: [String], columns: Int) -> [String] {
        words.reduce(into: [String]()) { lines, word in
            if let last = lines.last, last.count + 1 + word.count <= columns {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(word)
            }
        }
    }
}

extension String {
    fileprivate var words: [String] { split(separator: " ").map(String.init) }
}

extension CommandSpecification {
    /// The help of a program that is this command alone.
    package func help(columns: Int = 80) -> String {
        let program = Program(name: name, abstract: abstract, version: "", commands: [])
        return HelpText(program: program, columns: columns).help(for: self)
    }
}
