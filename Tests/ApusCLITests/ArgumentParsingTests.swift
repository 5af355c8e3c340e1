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
    static let name = Option<String>(required: "name", "text", help: "What the cake is called.")
    static let gift = Flag("gift", short: "g", help: "Wrap it.")
    static let candles = Flag("candles", help: "Light them.")

    static let specification = CommandSpecification(
        "bake", abstract: "Bakes a cake.",
        groups: [
            OptionGroup("Cake", [name, fruit, tins, heat, share, loss, offset, seed]),
            OptionGroup("Table", [gift, candles]),
        ],
        examples: [Example("bake --name Plum", "A plain cake.")])

    let arguments: ParsedArguments

    init(_ arguments: ParsedArguments) throws {
        self.arguments = arguments
        if arguments[Self.gift] && arguments[Self.candles] {
            throw UsageError.other("candles are not wrapped")
        }
    }

    func run(on console: Console) throws -> ExitCode { .success }
}

struct EatCommand: Command {
    static let specification = CommandSpecification("eat", abstract: "Eats the cake.")

    init(_ arguments: ParsedArguments) throws {}

    func run(on console: Console) throws -> ExitCode { .success }
}

/// A command with two operands.
struct ShareCommand: Command {
    static let cake = Operand("cake", help: "What is cut.")
    static let guest = Operand("guest", help: "Who gets the first piece.")
    static let pieces = Option("pieces", short: "p", "n", default: 8, .atLeast(1), help: "Pieces to cut.")

    static let specification = CommandSpecification(
        "share", abstract: "Cuts a cake.", operands: [cake, guest], options: [pieces])

    let arguments: ParsedArguments

    init(_ arguments: ParsedArguments) throws { self.arguments = arguments }

    func run(on console: Console) throws -> ExitCode { .success }
}

private func parse(_ arguments: [String]) throws -> ParsedArguments {
    try ParsedArguments(arguments, for: BakeCommand.specification)
}

@Suite("Argument parsing: values")
struct ArgumentParsingTests {
    @Test("What is absent has its default")
    func defaults() throws {
        let arguments = try parse(["--name", "Plum"])
        #expect(arguments[BakeCommand.fruit] == .apple)
        #expect(arguments[BakeCommand.tins] == 2)
        #expect(arguments[BakeCommand.heat] == 180.5)
        #expect(arguments[BakeCommand.seed] == nil)
        #expect(!arguments[BakeCommand.gift] && !arguments[BakeCommand.candles])
        #expect(!arguments.contains(BakeCommand.tins))
    }

    @Test("Values are read as their types, after a space or an equals sign")
    func values() throws {
        let arguments = try parse([
            "--fruit=passion-fruit", "-t", "7", "--heat", "2e2", "--share=1",
            "--seed", "18446744073709551615", "--name", "a=b", "--gift",
        ])
        #expect(arguments[BakeCommand.fruit] == .passionFruit)
        #expect(arguments[BakeCommand.tins] == 7)
        #expect(arguments[BakeCommand.heat] == 200)
        #expect(arguments[BakeCommand.share] == 1)
        #expect(arguments[BakeCommand.seed] == .max)
        #expect(arguments[BakeCommand.name] == "a=b")
        #expect(arguments[BakeCommand.gift] && !arguments[BakeCommand.candles])
        #expect(arguments.contains(BakeCommand.tins) && arguments.contains(BakeCommand.gift))
    }

    @Test("After two dashes nothing is an option")
    func terminator() throws {
        #expect(throws: UsageError.unexpectedOperand("--gift")) {
            try parse(["--name=Plum", "--", "--gift"])
        }
        #expect(try !parse(["--name=Plum", "--"])[BakeCommand.gift])
    }

    @Test("A negative number is a value, and so is a single dash")
    func dashes() throws {
        #expect(try parse(["--name=Plum", "--offset", "-3"])[BakeCommand.offset] == -3)
        #expect(try parse(["--name", "-"])[BakeCommand.name] == "-")
    }

    @Test(
        "What is wrong with a value is said with the value and what is right",
        arguments: [
            ("--tins=0", "--tins must be at least 1, found 0"),
            ("-t=0", "--tins must be at least 1, found 0"),
            ("--tins=two", "--tins must be a whole number, at least 1, found 'two'"),
            ("--tins=2.5", "--tins must be a whole number, at least 1, found 2.5"),
            ("--offset=two", "--offset must be a whole number, found 'two'"),
            ("--seed=-1", "--seed must be a whole number from 0 to \(UInt64.max), found -1"),
            ("--heat=0", "--heat must be greater than 0, found 0"),
            ("--heat=nan", "--heat must be a finite number, greater than 0, found nan"),
            ("--heat=inf", "--heat must be a finite number, greater than 0, found inf"),
            ("--share=1.01", "--share must be between 0 and 1, found 1.01"),
            ("--loss=1", "--loss must be at least 0 and less than 1, found 1"),
            ("--name=", "--name must be a text that is not empty, found ''"),
            (
                "--fruit=aple",
                "--fruit must be one of apple, pear, passion-fruit, found 'aple'; did you mean 'apple'?"
            ),
            ("--fruit=wheel", "--fruit must be one of apple, pear, passion-fruit, found 'wheel'"),
        ])
    func invalidValues(argument: String, message: String) {
        let error = #expect(throws: UsageError.self) { try parse([argument]) }
        #expect(error?.description == message)
    }

    @Test(
        "A malformed command line is refused with the reason",
        arguments: [
            (["--tims", "3"], .unknownOption("--tims", suggestion: "--tins")),
            (["--tims=3"], .unknownOption("--tims", suggestion: "--tins")),
            (["--no-gift"], .unknownOption("--no-gift", suggestion: "--gift")),
            (["-x"], .unknownOption("-x", suggestion: nil)),
            (["--tins"], .missingValue(option: "--tins", valueName: "n")),
            (["--tins", "--gift"], .missingValue(option: "--tins", valueName: "n")),
            (["--tins", "--", "3"], .missingValue(option: "--tins", valueName: "n")),
            (["--gift=yes"], .unexpectedValue(option: "--gift", value: "yes")),
            (["--gift="], .unexpectedValue(option: "--gift", value: "")),
            (["--tins", "1", "-t", "1"], .repeatedOption("--tins")),
            (["-g", "--gift"], .repeatedOption("--gift")),
            (["--gift"], .missingOption("--name", valueName: "text")),
            (["--name", "Plum", "a", "b"], .unexpectedOperand("a")),
            (["--name", "Plum", "-"], .unexpectedOperand("-")),
        ] as [([String], UsageError)])
    func malformed(arguments: [String], expected: UsageError) {
        #expect(throws: expected) { try parse(arguments) }
    }

    @Test(
        "Operands are read by their places, wherever options stand between them",
        arguments: [
            ["plum", "Ada", "-p", "4"], ["--pieces=4", "plum", "Ada"], ["plum", "-p", "4", "Ada"],
            ["plum", "--pieces=4", "--", "Ada"],
        ])
    func operands(line: [String]) throws {
        let arguments = try ParsedArguments(line, for: ShareCommand.specification)
        #expect(arguments[ShareCommand.cake] == "plum")
        #expect(arguments[ShareCommand.guest] == "Ada")
        #expect(arguments[ShareCommand.pieces] == 4)
    }

    @Test("After two dashes an operand may look like an option")
    func dashedOperands() throws {
        let arguments = try ParsedArguments(["--", "--plum", "--"], for: ShareCommand.specification)
        #expect(arguments[ShareCommand.cake] == "--plum")
        #expect(arguments[ShareCommand.guest] == "--")
    }

    @Test(
        "Operands too few, too many or empty are refused",
        arguments: [
            ([], .missingOperand("<cake>")),
            (["plum", "-p", "4"], .missingOperand("<guest>")),
            (["plum", "Ada", "Bob"], .unexpectedOperand("Bob")),
            (["plum", ""], .emptyOperand("<guest>")),
        ] as [([String], UsageError)])
    func wrongOperands(line: [String], expected: UsageError) {
        #expect(throws: expected) { try ParsedArguments(line, for: ShareCommand.specification) }
    }

    @Test(
        "An operand that may be left out has any number of values where it is repeated, and else one at most",
        arguments: [[], ["Ada"], ["Ada", "Bob"]])
    func optionalOperands(guests: [String]) throws {
        let everyone = Operand("guest", isRepeated: true, isOptional: true, help: "Who comes.")
        let party = CommandSpecification(
            "party", abstract: "Invites.", operands: [ShareCommand.cake, everyone])
        #expect(try ParsedArguments(["plum"] + guests, for: party).all(everyone) == guests)
        #expect(throws: UsageError.missingOperand("<cake>")) { try ParsedArguments([], for: party) }

        let one = Operand("guest", isOptional: true, help: "Who comes.")
        let tea = CommandSpecification("tea", abstract: "Invites one.", operands: [one])
        if guests.count > 1 {
            #expect(throws: UsageError.unexpectedOperand("Bob")) { try ParsedArguments(guests, for: tea) }
        } else {
            #expect(try ParsedArguments(guests, for: tea).all(one) == guests)
        }
        #expect(everyone.spelling == "[<guest>...]" && one.spelling == "[<guest>]")
    }
}
