import ApusCLI
import Testing

private let bakery = Program(
    name: "bakery", abstract: "Makes cakes and has them.", version: "1.2.3",
    commands: [BakeCommand.self, EatCommand.self])

private func text(_ arguments: String..., columns: Int = 80) throws -> String {
    guard case .show(let text) = try bakery.parse(arguments, columns: columns) else {
        Issue.record("\(arguments) runs a command")
        return ""
    }
    return text
}

@Suite("Argument parsing: commands and help")
struct ArgumentParsingProgramTests {
    @Test("A command is chosen by its name, and has its arguments")
    func command() throws {
        guard case .run(let command) = try bakery.parse(["bake", "--name", "Plum"]) else {
            Issue.record("a text instead of a command")
            return
        }
        let bake = try #require(command as? BakeCommand)
        #expect(bake.arguments[BakeCommand.name] == "Plum")
    }

    @Test("What the command itself refuses is a usage error")
    func commandsOwnError() {
        #expect(throws: UsageError.other("candles are not wrapped")) {
            try bakery.parse(["bake", "--name=Plum", "--gift", "--candles"])
        }
    }

    @Test(
        "What is no command is refused with the nearest",
        arguments: [
            ("bkae", .unknownCommand("bkae", suggestion: "bake")),
            ("", .unknownCommand("", suggestion: nil)),
            ("--versoin", .unknownOption("--versoin", suggestion: "--version")),
        ] as [(String, UsageError)])
    func unknown(name: String, expected: UsageError) {
        #expect(throws: expected) { try bakery.parse([name]) }
    }

    @Test("An error is explained with the command, and where to read on")
    func explanation() {
        let error = UsageError.unknownOption("--tims", suggestion: "--tins")
        #expect(
            bakery.explain(error, for: ["bake", "--tims"]) == """
                bakery bake: there is no option '--tims'; did you mean '--tins'?
                Try 'bakery bake --help'.

                """)
        #expect(
            bakery.explain(.unknownCommand("fry", suggestion: nil), for: ["fry"]) == """
                bakery: there is no command 'fry'
                Try 'bakery --help'.

                """)
    }

    @Test("The overall help lists the commands; so does no argument at all")
    func overview() throws {
        let expected = """
            Makes cakes and has them.

            Usage: bakery <command> [options]

            Commands:
              bake  Bakes a cake.
              eat   Eats the cake.

            Options:
              -h, --help  Show this help, or that of the command before it.
              --version   Show the version.

            Examples:
              bakery bake --name Plum
                  A plain cake.

            """
        #expect(try text("--help") == expected)
        #expect(try text("-h") == expected)
        #expect(try text("help") == expected)
        #expect(try text() == expected)
    }

    @Test("A command's help has its usage, options with defaults, and examples")
    func help() throws {
        let expected = """
            Bakes a cake.

            Usage: bakery bake --name <text> [options]

            Cake:
                  --name <text>     What the cake is called. (required)
              -f, --fruit <name>    What goes in. (one of apple, pear, passion-fruit;
                                    default: apple)
              -t, --tins <n>        Tins to fill. (default: 2)
                  --heat <degrees>  Heat of the oven. (default: 180.5)
                  --share <x>       Share of sugar. (default: 0.5)
                  --loss <x>        What burns. (default: 0)
                  --offset <n>      Any whole number. (default: 0)
                  --seed <n>        Start of the dice. (default: a new one)

            Table:
              -g, --gift     Wrap it.
                  --candles  Light them.

            Help:
              -h, --help  Show this help.

            Examples:
              bakery bake --name Plum
                  A plain cake.

            """
        #expect(try text("bake", "--help") == expected)
        #expect(try text("help", "bake") == expected)
    }

    @Test("Operands stand first in the usage, and under a heading of their own")
    func operandHelp() {
        #expect(
            ShareCommand.specification.help() == """
                Cuts a cake.

                Usage: share <cake> <guest> [options]

                Arguments:
                  <cake>   What is cut.
                  <guest>  Who gets the first piece.

                Options:
                  -p, --pieces <n>  Pieces to cut. (default: 8)

                Help:
                  -h, --help  Show this help.

                """)
    }

    @Test("Whoever asks for help gets it, whatever else the line says, unless after two dashes")
    func helpWins() throws {
        #expect(try text("bake", "--tims", "--tins", "0", "-h").hasPrefix("Bakes a cake."))
        #expect(throws: UsageError.unexpectedOperand("--help")) {
            try bakery.parse(["bake", "--", "--help"])
        }
    }

    @Test(
        "No line of a help is wider than the terminal, taken as 80 to 100 columns",
        arguments: [0, 80, 90, 500])
    func width(columns: Int) throws {
        let sentence =
            "A sentence that goes on for so long that no terminal has room for it in a single line. "
        struct LongCommand: Command {
            static let words = String(repeating: "many words ", count: 30)
            static let options = (0..<9).map { index in
                Option<String?>("option-number-\(index)-with-a-long-name", "value", help: words)
            }
            static let specification = CommandSpecification(
                "long", abstract: words, options: options,
                examples: [Example("long", words)])
            init(_ arguments: ParsedArguments) throws {}
            func run(on console: Console) throws -> ExitCode { .success }
        }
        let program = Program(
            name: "p", abstract: sentence + sentence, version: "1", commands: [LongCommand.self])
        for arguments in [["--help"], ["long", "--help"]] {
            guard case .show(let text) = try program.parse(arguments, columns: columns) else { continue }
            let widest = text.split(separator: "\n").map(\.count).max() ?? 0
            let limit = min(max(columns, 80), 100)
            #expect((limit - 12...limit).contains(widest))
        }
    }

    @Test("The version is shown with the program's name")
    func version() throws {
        #expect(try text("--version") == "bakery 1.2.3\n")
    }
}
