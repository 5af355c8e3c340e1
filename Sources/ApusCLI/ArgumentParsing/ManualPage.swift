/// The manual page of a command in Markdown, from its specification.
struct ManualPage {
    let programName: String
    let command: CommandSpecification

    var text: String {
        var parts = ["# \(programName) \(command.name)", Self.escaped(command.abstract), usage]
        if !command.operands.isEmpty {
            parts.append(section("Arguments", command.operands.map { ($0.spelling, $0.help) }))
        }
        for group in command.groups where !group.options.isEmpty {
            parts.append(section(group.title, group.options.map { (term($0), description($0)) }))
        }
        for glossary in command.glossaries {
            parts.append(section(glossary.title, glossary.entries.map { ($0.term, $0.meaning) }))
        }
        if !command.examples.isEmpty {
            let examples = command.examples.map {
                "\(Self.escaped($0.purpose))\n\n    \(programName) \($0.arguments)"
            }
            parts.append("## Examples\n\n" + examples.joined(separator: "\n\n"))
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var usage: String {
        let required = command.options.filter(\.isRequired).map {
            "\($0.spelling) <\($0.valueName ?? "value")>"
        }
        let words = [programName, command.name] + command.operands.map(\.spelling) + required + ["[options]"]
        return "    \(words.joined(separator: " "))"
    }

    private func section(_ title: String, _ entries: [(term: String, text: String)]) -> String {
        let rows = entries.map { "| `\(Self.cell($0.term))` | \(Self.cell(Self.escaped($0.text))) |" }
        return "## \(title)\n\n| | |\n|---|---|\n" + rows.joined(separator: "\n")
    }

    private func term(_ option: any OptionDeclaration) -> String {
        let short = option.short.map { "-\($0), " } ?? ""
        return short + option.spelling + (option.valueName.map { " <\($0)>" } ?? "")
    }

    private func description(_ option: any OptionDeclaration) -> String {
        option.notes.isEmpty ? option.help : "\(option.help) (\(option.notes.joined(separator: "; ")))"
    }

    /// What Markdown would take for its own is to be read as it is.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if "*_<>[]`\\".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
    }

    private static func cell(_ text: String) -> String { text.replacing("|", with: "\\|") }
}

extension Program {
    /// The manual page of a command, or of no name the list of all pages; nil where there is no such command.
    package func manual(of name: String?) -> String? {
        guard let name else {
            let rows = commands.map { command in
                let specification = command.specification
                return "| [\(specification.name)](\(specification.name).md) | \(specification.abstract) |"
            }
            return "# The commands of \(self.name)\n\n| | |\n|---|---|\n" + rows.joined(separator: "\n")
                + "\n"
        }
        let command = commands.first { $0.specification.name == name }
        return command.map { ManualPage(programName: self.name, command: $0.specification).text }
    }
}
