import ApusCLI
import Testing

enum Fruit: String, CaseIterable, ArgumentValue {
    case apple, pear
    case passionFruit = "passion-fruit"
}

/// A command with an option of every kind.
struct BakeCommand: Command {
    static let fruit = Option("fruit", short: "f", "name", default: Fruit.apple, help: "What goes in.")
    static let tins = Option("tins", short: "t", "n", default: 2, .atLeast(1), help: "Tins to fill.")
    static let heat = Option("heat", "degrees", default: 180.5, .above(0), help: "Heat of the oven.")
    static let share = Option("share", "x", default: 0.5, .between(0, and: 1), help: "Share of sugar.")
    static let loss = Option("loss", "x", default: 0.0, .from(0, below: 1), help: "What burns.")
    static let offset = Option("offset", "n", default: 0, help: "Any whole number.")
    static let seed = Option<UInt64?>("seed", "n", absent: "a new one", help: "Start of the dice.")
    static let icing = Option<Bool?>("icing", "yes", help: "Whether to ice.")
    static let name = Option<String>(required: "name", "text", help: "What the cake is called.")
    static let gift = Flag("gift", short: "g", help: "Wrap it.")
    static let candles = Flag(negatable: "candles", default: true, help: "Light them.")
    static let plate = Operand("plate", help: "Where it is served.")
    static let napkin = Operand("napkin", help: "What is beside it.", isOptional: true)

    static let specification = CommandSpecification(
        "bake", abstract: "Bakes a cake.", operands: [plate, napkin],
        groups: [
            OptionGroup("Cake", [name, fruit, tins, heat, share, loss, offset, seed, icing]),
            OptionGroup("Table", [gift, candles]),
        ],
        examples: [Example("bake --name Plum saucer", "A plain cake.")])

    let arguments: ParsedArguments

    init(_ arguments: ParsedArguments) throws {
        self.arguments = arguments
        if arguments[Self.gift] && arguments[Self.candles] && arguments.contains(Self.candles) {
            throw UsageError.other("candles are not wrapped")
        }
    }

    func run(on console: Console) async throws -> ExitCode { .success }
}

struct EatCommand: Command {
    static let specification = CommandSpecification("eat", abstract: "Eats the cake.")

    init(_ arguments: ParsedArguments) throws {}

    func run(on console: Console) async throws -> ExitCode { .success }
}

private func parse(_ arguments: [String]) throws -> ParsedArguments {
    try ParsedArguments(arguments, for: BakeCommand.specification)
}

@Suite("Argument parsing: values")
struct ArgumentParsingTests {
    @Test("What is absent has its default")
    func defaults() throws {
        let arguments = try parse(["--name", "Plum", "saucer"])
        #expect(arguments[BakeCommand.fruit] == .apple)
        #expect(arguments[BakeCommand.tins] == 2)
        #expect(arguments[BakeCommand.heat] == 180.5)
        #expect(arguments[BakeCommand.seed] == nil)
        #expect(arguments[BakeCommand.icing] == nil)
        #expect(!arguments[BakeCommand.gift] && arguments[BakeCommand.candles])
        #expect(arguments[BakeCommand.napkin] == nil)
        #expect(!arguments.contains(BakeCommand.tins))
    }

    @Test("Values are read as their types, after a space or an equals sign, before or after operands")
    func values() throws {
        let arguments = try parse([
            "saucer", "--fruit=passion-fruit", "-t", "7", "--heat", "2e2", "--share=1", "linen",
            "--seed", "18446744073709551615", "--icing", "false", "--name", "a=b", "--gift", "--no-candles",
        ])
        #expect(arguments[BakeCommand.fruit] == .passionFruit)
        #expect(arguments[BakeCommand.tins] == 7)
        #expect(arguments[BakeCommand.heat] == 200)
        #expect(arguments[BakeCommand.share] == 1)
        #expect(arguments[BakeCommand.seed] == .max)
        #expect(arguments[BakeCommand.icing] == false)
        #expect(arguments[BakeCommand.name] == "a=b")
        #expect(arguments[BakeCommand.gift] && !arguments[BakeCommand.candles])
        #expect(arguments[BakeCommand.plate] == "saucer" && arguments[BakeCommand.napkin] == "linen")
        #expect(arguments.contains(BakeCommand.tins) && arguments.contains(BakeCommand.candles))
    }

    @Test("After two dashes everything is an operand")
    func terminator() throws {
        let arguments = try parse(["--name=Plum", "--", "--gift", "--"])
        #expect(arguments[BakeCommand.plate] == "--gift" && arguments[BakeCommand.napkin] == "--")
        #expect(!arguments[BakeCommand.gift])
    }

    @Test("A negative number is a value, and so is a single dash")
    func dashes() throws {
        #expect(try parse(["--name=Plum", "saucer", "--offset", "-3"])[BakeCommand.offset] == -3)
        #expect(try parse(["--name", "-", "-"])[BakeCommand.plate] == "-")
    }

    @Test(
        "What is wrong with a value is said with the value and what is right",
        arguments: [
            ("--tins=0", "--tins must be at least 1, found 0"),
            ("-t=0", "--tins must be at least 1, found 0"),
            ("--tins=two", "--tins must be a whole number from \(Int.min) to \(Int.max), found 'two'"),
            ("--tins=2.5", "--tins must be a whole number from \(Int.min) to \(Int.max), found 2.5"),
            ("--seed=-1", "--seed must be a whole number from 0 to \(UInt64.max), found -1"),
            ("--heat=0", "--heat must be greater than 0, found 0"),
            ("--heat=nan", "--heat must be a finite number, found nan"),
            ("--heat=inf", "--heat must be a finite number, found inf"),
            ("--share=1.01", "--share must be between 0 and 1, found 1.01"),
            ("--loss=1", "--loss must be at least 0 and less than 1, found 1"),
            ("--icing=maybe", "--icing must be true or false, found 'maybe'"),
            ("--name=", "--name must be a text that is not empty, found ''"),
            (
                "--fruit=aple",
                "--fruit must be one of apple, pear, passion-fruit, found 'aple'; did you mean 'apple'?"
            ),
            ("--fruit=wheel", "--fruit must be one of apple, pear, passion-fruit, found 'wheel'"),
        ])
    func invalidValues(argument: String, message: String) {
        let error = #expect(throws: UsageError.self) { try parse(["saucer", argument]) }
        #expect(error?.description == message)
    }

    @Test(
        "A malformed command line is refused with the reason",
        arguments: [
            (["--tims", "3"], .unknownOption("--tims", suggestion: "--tins")),
            (["--tims=3"], .unknownOption("--tims", suggestion: "--tins")),
            (["--no-candle"], .unknownOption("--no-candle", suggestion: "--no-candles")),
            (["--no-gift"], .unknownOption("--no-gift", suggestion: "--gift")),
            (["-x"], .unknownOption("-x", suggestion: nil)),
            (["--tins"], .missingValue(option: "--tins", valueName: "n")),
            (["--tins", "--gift"], .missingValue(option: "--tins", valueName: "n")),
            (["--tins", "--", "3"], .missingValue(option: "--tins", valueName: "n")),
            (["--gift=yes"], .unexpectedValue(option: "--gift", value: "yes")),
            (["--no-candles="], .unexpectedValue(option: "--no-candles", value: "")),
            (["--tins", "1", "-t", "1"], .repeatedOption("--tins")),
            (["-g", "--gift"], .repeatedOption("--gift")),
            (["--no-candles", "--no-candles"], .repeatedOption("--candles")),
            (["--candles", "--no-candles"], .contradiction("--candles", "--no-candles")),
            (["saucer"], .missingOption("--name", valueName: "text")),
            (["--name", "Plum"], .missingOperand("plate")),
            (["--name", "Plum", "a", "b", "c"], .unexpectedOperand("c")),
        ] as [([String], UsageError)])
    func malformed(arguments: [String], expected: UsageError) {
        #expect(throws: expected) { try parse(arguments) }
    }
}
