/// What a command is called, takes, and says of itself.
package struct CommandSpecification: Sendable {
    package let name: String
    /// One sentence.
    package let abstract: String
    /// In the order in which they are given. The last one may be repeated, or left out if it says so.
    package let operands: [Operand]
    package let groups: [OptionGroup]
    /// What the values of some option mean.
    package let glossaries: [Glossary]
    package let examples: [Example]

    package init(
        _ name: String, abstract: String, operands: [Operand] = [], groups: [OptionGroup],
        glossaries: [Glossary] = [], examples: [Example] = []
    ) {
        self.name = name
        self.abstract = abstract
        self.operands = operands
        self.groups = groups
        self.glossaries = glossaries
        self.examples = examples
    }

    package init(
        _ name: String, abstract: String, operands: [Operand] = [], options: [any OptionDeclaration] = [],
        glossaries: [Glossary] = [], examples: [Example] = []
    ) {
        self.init(
            name, abstract: abstract, operands: operands, groups: [OptionGroup("Options", options)],
            glossaries: glossaries, examples: examples)
    }

    package var options: [any OptionDeclaration] { groups.flatMap(\.options) }
}

/// A value that is known by its place on the command line, and has no option before it: a file, mostly.
///
///     static let source = Operand("source", help: "The file to copy.")
///     static let images = Operand("image", isRepeated: true, help: "An image.")
///
/// A command's `ParsedArguments` hold its text under the operand itself: `arguments[Self.source]`, or
/// `arguments.all(Self.images)`.
package struct Operand: Sendable {
    /// What the help and errors call it.
    package let name: String
    /// Whether there may be more than one; for a command's last operand.
    package let isRepeated: Bool
    /// Whether it may be left out; for a command's last operand.
    package let isOptional: Bool
    package let help: String

    package init(_ name: String, isRepeated: Bool = false, isOptional: Bool = false, help: String) {
        self.name = name
        self.isRepeated = isRepeated
        self.isOptional = isOptional
        self.help = help
    }

    /// The name as the help shows it.
    package var spelling: String {
        let name = isRepeated ? "<\(name)>..." : "<\(name)>"
        return isOptional ? "[\(name)]" : name
    }
}

/// Options that the help shows under one heading.
package struct OptionGroup: Sendable {
    package let title: String
    package let options: [any OptionDeclaration]

    package init(_ title: String, _ options: [any OptionDeclaration]) {
        self.title = title
        self.options = options
    }
}

/// Words that the help explains under one heading.
package struct Glossary: Sendable {
    package let title: String
    package let entries: [(term: String, meaning: String)]

    package init(_ title: String, _ entries: [(term: String, meaning: String)]) {
        self.title = title
        self.entries = entries
    }
}

/// A command line, without the program's name, and what it does.
package struct Example: Sendable {
    package let arguments: String
    package let purpose: String

    package init(_ arguments: String, _ purpose: String) {
        self.arguments = arguments
        self.purpose = purpose
    }
}

/// A command of the program.
///
///     struct TrainCommand: Command {
///         private static let epochs = Option("epochs", "n", default: 10, .atLeast(1), help: "Epochs.")
///         private static let resume = Flag("resume", help: "Go on from the last checkpoint.")
///
///         static let specification = CommandSpecification(
///             "train", abstract: "Trains a network on a dataset.", options: [epochs, resume])
///
///         let epochs: Int
///         let resume: Bool
///
///         init(_ arguments: ParsedArguments) throws {
///             epochs = arguments[Self.epochs]
///             resume = arguments[Self.resume]
///         }
///     }
package protocol Command: Sendable {
    static var specification: CommandSpecification { get }

    /// Takes the values over.
    ///
    /// - Throws: `UsageError.other` for what no single option's declaration can say.
    init(_ arguments: ParsedArguments) throws

    /// Does what the command line asks for.
    func run(on console: Console) throws -> ExitCode
}
