import ApusFormats

/// What options and flags have in common: a name, and a place in the help.
package protocol OptionDeclaration: Sendable {
    /// The long name, without dashes.
    var name: String { get }
    var short: Character? { get }
    var help: String { get }
    /// The value's name in the help; nil for a flag.
    var valueName: String? { get }
    var isRequired: Bool { get }
    /// What is written after the help: the choices, the default.
    var notes: [String] { get }

    /// The value that a text stands for.
    func value(of text: String) throws(UsageError) -> any Sendable
}

extension OptionDeclaration {
    /// The name as it is typed.
    package var spelling: String { "--\(name)" }
}

/// An option with a value: `--name value` or `--name=value`.
///
///     static let batchSize = Option("batch-size", "n", default: 128, .atLeast(1), help: "Images a step.")
///     static let model = Option<String>(required: "model", "name", help: "The network.")
///     static let seed = Option<UInt64?>("seed", "n", help: "Start of the random numbers.")
///
/// A command's `ParsedArguments` hold the value under the option itself: `arguments[Self.batchSize]` is an
/// `Int`.
package struct Option<Value: Sendable>: OptionDeclaration {
    package let name: String
    package let short: Character?
    package let help: String
    package let valueName: String?
    package let notes: [String]
    package var isRequired: Bool { fallback == nil }

    /// The value where the option is absent; nil where it must not be.
    let fallback: Value?
    private let choices: [String]
    private let read: @Sendable (String) throws(InvalidArgument) -> Value

    package func value(of text: String) throws(UsageError) -> any Sendable {
        do {
            return try read(text)
        } catch {
            throw .invalidValue(
                option: spelling, found: text, requirement: error.requirement,
                suggestion: NearestName.suggestion(for: text, among: choices))
        }
    }
}

extension Option where Value: ArgumentValue {
    /// An option with a default.
    ///
    /// - Parameter valueName: What the help calls the value.
    package init(
        _ name: String, short: Character? = nil, _ valueName: String, default fallback: Value,
        _ constraint: Constraint<Value>? = nil, help: String
    ) {
        self.init(
            name, short, valueName, fallback: fallback, choices: Value.choices,
            notes: ["default: \(fallback.argument)"], help: help
        ) { text throws(InvalidArgument) in try Value(argument: text, constraint) }
    }

    /// An option that must be given.
    package init(
        required name: String, short: Character? = nil, _ valueName: String,
        _ constraint: Constraint<Value>? = nil, help: String
    ) {
        self.init(
            name, short, valueName, fallback: nil, choices: Value.choices, notes: ["required"], help: help
        ) { text throws(InvalidArgument) in try Value(argument: text, constraint) }
    }
}

extension Option {
    /// An option whose value is nil where it is absent.
    ///
    /// - Parameter absent: What its absence means, for the help: `default: the number of cores`.
    package init<Wrapped: ArgumentValue>(
        _ name: String, short: Character? = nil, _ valueName: String, absent: String? = nil,
        _ constraint: Constraint<Wrapped>? = nil, help: String
    ) where Value == Wrapped? {
        self.init(
            name, short, valueName, fallback: .some(nil), choices: Wrapped.choices,
            notes: absent.map { ["default: \($0)"] } ?? [], help: help
        ) { text throws(InvalidArgument) in try Wrapped(argument: text, constraint) }
    }

    private init(
        _ name: String, _ short: Character?, _ valueName: String, fallback: Value?, choices: [String],
        notes: [String], help: String, read: @escaping @Sendable (String) throws(InvalidArgument) -> Value
    ) {
        self.name = name
        self.short = short
        self.valueName = valueName
        self.fallback = fallback
        self.choices = choices
        self.notes = (choices.isEmpty ? [] : ["one of \(choices.joined(separator: ", "))"]) + notes
        self.help = help
        self.read = read
    }
}

extension ArgumentValue {
    fileprivate init(argument: String, _ constraint: Constraint<Self>?) throws(InvalidArgument) {
        let value: Self
        do {
            value = try Self(argument: argument)
        } catch {
            let requirements = [error.requirement, constraint?.requirement].compactMap(\.self)
            throw InvalidArgument(mustBe: requirements.joined(separator: ", "))
        }
        if let constraint, !constraint.isMet(value) {
            throw InvalidArgument(mustBe: constraint.requirement)
        }
        self = value
    }
}

/// An option without a value, off unless it is given.
package struct Flag: OptionDeclaration {
    package let name: String
    package let short: Character?
    package let help: String
    package var valueName: String? { nil }
    package var isRequired: Bool { false }
    package var notes: [String] { [] }

    package init(_ name: String, short: Character? = nil, help: String) {
        self.name = name
        self.short = short
        self.help = help
    }

    package func value(of text: String) throws(UsageError) -> any Sendable {
        throw .unexpectedValue(option: spelling, value: text)
    }
}

extension OptionDeclaration {
    /// Reads what the option says; what is wrong with it is an error of usage that names the option.
    func reading<Value>(_ body: () throws -> Value) throws(UsageError) -> Value {
        do {
            return try body()
        } catch {
            throw .other("\(spelling): \(error)")
        }
    }
}
