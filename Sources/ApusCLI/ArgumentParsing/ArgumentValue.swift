/// A type that an option's value can be read as.
///
/// A `String` enumeration that is `CaseIterable` conforms by saying so.
package protocol ArgumentValue: Sendable {
    /// The values there are, where they can be counted.
    static var choices: [String] { get }

    /// Reads a value.
    init(argument: String) throws(InvalidArgument)

    /// The text that reads as this value.
    var argument: String { get }
}

/// Why a text is no value: the end of a sentence that begins "must be".
package struct InvalidArgument: Error, Sendable, Equatable {
    package var requirement: String

    package init(mustBe requirement: String) {
        self.requirement = requirement
    }
}

extension ArgumentValue {
    package static var choices: [String] { [] }
    package var argument: String { "\(self)" }
}

extension String: ArgumentValue {
    package init(argument: String) throws(InvalidArgument) {
        guard !argument.isEmpty else { throw InvalidArgument(mustBe: "a text that is not empty") }
        self = argument
    }
}

extension Int: ArgumentValue {
    package init(argument: String) throws(InvalidArgument) {
        guard let value = Int(argument) else { throw InvalidArgument(mustBe: "a whole number") }
        self = value
    }
}

extension UInt64: ArgumentValue {
    package init(argument: String) throws(InvalidArgument) {
        guard let value = UInt64(argument) else {
            throw InvalidArgument(mustBe: "a whole number from 0 to \(UInt64.max)")
        }
        self = value
    }
}

extension Double: ArgumentValue {
    /// Whole numbers are written without decimals.
    package var argument: String {
        let text = "\(self)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    package init(argument: String) throws(InvalidArgument) {
        guard let value = Double(argument), value.isFinite else {
            throw InvalidArgument(mustBe: "a finite number")
        }
        self = value
    }
}

extension ArgumentValue where Self: RawRepresentable & CaseIterable, RawValue == String {
    package static var choices: [String] { allCases.map(\.rawValue) }
    package var argument: String { rawValue }

    package init(argument: String) throws(InvalidArgument) {
        guard let value = Self(rawValue: argument) else {
            throw InvalidArgument(mustBe: "one of \(Self.choices.joined(separator: ", "))")
        }
        self = value
    }
}
