import ApusFormats

/// The program: its commands, and how a command line chooses among them.
package struct Program: Sendable {
    package let name: String
    package let abstract: String
    package let version: String
    package let commands: [any Command.Type]

    package init(name: String, abstract: String, version: String, commands: [any Command.Type]) {
        self.name = name
        self.abstract = abstract
        self.version = version
        self.commands = commands
    }

    /// What a command line asks for.
    package enum Request: Sendable {
        case run(any Command)
        /// A text to print: a help or the version.
        case show(String)
    }

    /// Reads a command line.
    ///
    /// - Parameters:
    ///   - arguments: What follows the program's name.
    ///   - columns: The width of the terminal, for a help; taken as the nearest of 80 to 100.
    /// - Throws: `UsageError`, or what the command's initialiser throws.
    package func parse(_ arguments: [String], columns: Int = 80) throws -> Request {
        let help = HelpText(program: self, columns: columns)
        guard let first = arguments.first else { return .show(help.overview) }
        var rest = Array(arguments.dropFirst())
        var command = first
        switch first {
        case "--help", "-h": return .show(help.overview)
        case "--version": return .show("\(name) \(version)\n")
        case "help":
            guard let named = rest.first else { return .show(help.overview) }
            // For `make manual`, which writes what lies in Documentation/commands.
            if named == "--markdown", let manual = manual(of: rest.dropFirst().first) { return .show(manual) }
            (command, rest) = (named, ["--help"])
        default: break
        }
        guard let type = self.command(named: command) else {
            let known =
                first.hasPrefix("-") ? ["--help", "--version"] : commands.map { $0.specification.name }
            let suggestion = NearestName.suggestion(for: command, among: known)
            throw first.hasPrefix("-")
                ? UsageError.unknownOption(command, suggestion: suggestion)
                : UsageError.unknownCommand(command, suggestion: suggestion)
        }
        // Whoever asks for help gets it, whatever else the line says.
        if rest.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
            return .show(help.help(for: type.specification))
        }
        return .run(try type.init(ParsedArguments(rest, for: type.specification)))
    }

    /// An error as a message for people: what is wrong, and where to read on.
    package func explain(_ error: UsageError, for arguments: [String]) -> String {
        let command = arguments.first.flatMap { self.command(named: $0) }
        let caller = command.map { "\(name) \($0.specification.name)" } ?? name
        return "\(caller): \(error)\nTry '\(caller) --help'.\n"
    }

    private func command(named name: String) -> (any Command.Type)? {
        commands.first { $0.specification.name == name }
    }
}
