/// What is wrong with a command line.
package enum UsageError: Error, Sendable, Equatable, CustomStringConvertible {
    case unknownCommand(String, suggestion: String?)
    case unknownOption(String, suggestion: String?)
    /// An option that takes a value is last, or another option follows it.
    case missingValue(option: String, valueName: String)
    /// A flag was given a value.
    case unexpectedValue(option: String, value: String)
    /// An option was given more than once.
    case repeatedOption(String)
    case invalidValue(option: String, found: String, requirement: String, suggestion: String?)
    case missingOption(String, valueName: String)
    case missingOperand(String)
    case emptyOperand(String)
    case unexpectedOperand(String)
    /// What only the command itself can tell, such as two options that exclude each other.
    case other(String)

    package var description: String {
        switch self {
        case .unknownCommand(let name, let suggestion):
            "there is no command '\(name)'" + Self.question(suggestion)
        case .unknownOption(let name, let suggestion):
            "there is no option '\(name)'" + Self.question(suggestion)
        case .missingValue(let option, let valueName):
            "\(option) needs a value: \(option) <\(valueName)>"
        case .unexpectedValue(let option, let value):
            "\(option) takes no value, found '\(value)'"
        case .repeatedOption(let option):
            "\(option) is given more than once"
        case .invalidValue(let option, let found, let requirement, let suggestion):
            "\(option) must be \(requirement), found \(Self.shown(found))" + Self.question(suggestion)
        case .missingOption(let option, let valueName):
            "\(option) <\(valueName)> is required"
        case .missingOperand(let operand):
            "\(operand) is required"
        case .emptyOperand(let operand):
            "\(operand) must be a text that is not empty"
        case .unexpectedOperand(let operand):
            "there is no place for '\(operand)'"
        case .other(let message):
            message
        }
    }

    private static func question(_ suggestion: String?) -> String {
        suggestion.map { "; did you mean '\($0)'?" } ?? ""
    }

    /// Numbers stand bare, words in quotation marks.
    private static func shown(_ found: String) -> String {
        Double(found) == nil ? "'\(found)'" : found
    }
}
