import ApusFormats

/// Why a text is no learning-rate schedule.
public enum LearningRateScheduleError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no curve of that name.
    case unknownCurve(String)
    /// The curve has no parameter of that name.
    case unknownParameter(String, curve: String, known: [String])
    /// A part between commas that is not `name=value`, or whose name came before.
    case malformedParameter(String)
    /// A value that is no number, or one out of range.
    case invalidValue(String, parameter: String, requirement: String)

    public var description: String {
        switch self {
        case .unknownCurve(let found):
            "there is no learning-rate schedule '\(found)'"
                + Self.suggestion(for: found, LearningRateSchedule.names)
        case .unknownParameter(let found, let curve, let known):
            "the schedule '\(curve)' has no parameter '\(found)'" + Self.suggestion(for: found, known)
        case .malformedParameter(let found):
            "each parameter of a schedule must be given once, as 'name=value', found '\(found)'"
        case .invalidValue(let found, let parameter, let requirement):
            "the schedule's \(parameter) must be \(requirement), found '\(found)'"
        }
    }

    private static func suggestion(for found: String, _ names: [String]) -> String {
        let nearest = NearestName.suggestion(for: found, among: names)
        return (nearest.map { "; did you mean '\($0)'?" } ?? "")
            + " (there are \(names.joined(separator: ", ")))"
    }
}

/// A schedule's text is its name and any parameters: `one-cycle`,
/// `step:every=3,gamma=0.1`, `cosine:minimum=0.001,warm-up=500`.
extension LearningRateSchedule: CustomStringConvertible {
    /// The names of the curves, as a text spells them.
    public static let names = ["constant", "step", "linear", "polynomial", "cosine", "one-cycle"]

    /// Reads a schedule's text.
    ///
    /// - Throws: `LearningRateScheduleError`, which says what would have been right.
    public init(_ text: String) throws(LearningRateScheduleError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        var parameters = try ScheduleParameters(parts.count > 1 ? parts[1] : "")
        switch name {
        case "constant":
            self = .constant
        case "step":
            self = .step(
                every: try parameters.value("every", default: 3, .whole(atLeast: 1)),
                gamma: try parameters.value("gamma", default: 0.1, .positive))
        case "linear":
            self = .linear(to: try parameters.value("to", default: 0, .rate))
        case "polynomial":
            self = .polynomial(power: try parameters.value("power", default: 2, .positive))
        case "cosine":
            self = .cosine(minimum: try parameters.value("minimum", default: 0, .rate))
        case "one-cycle":
            self = .oneCycle(
                warmUpFraction: try parameters.value("warm-up-fraction", default: 0.3, .fraction),
                initialDivisor: try parameters.value("initial-divisor", default: 25, .positive),
                finalDivisor: try parameters.value("final-divisor", default: 1e4, .positive))
        default:
            throw .unknownCurve(name)
        }
        warmUpSteps = try parameters.value("warm-up", default: 0, .whole(atLeast: 0))
        try parameters.checkAllKnown(to: name)
    }

    /// The schedule's text, with every parameter.
    public var description: String {
        var (name, parameters) = curve.spelling
        if warmUpSteps > 0 { parameters.append("warm-up=\(warmUpSteps)") }
        return parameters.isEmpty ? name : name + ":" + parameters.joined(separator: ",")
    }
}

extension LearningRateSchedule.Curve {
    fileprivate var spelling: (name: String, parameters: [String]) {
        switch self {
        case .constant: ("constant", [])
        case .step(let every, let gamma): ("step", ["every=\(every)", "gamma=\(gamma)"])
        case .linear(let end): ("linear", ["to=\(end)"])
        case .polynomial(let power): ("polynomial", ["power=\(power)"])
        case .cosine(let minimum): ("cosine", ["minimum=\(minimum)"])
        case .oneCycle(let fraction, let initial, let final):
            (
                "one-cycle",
                ["warm-up-fraction=\(fraction)", "initial-divisor=\(initial)", "final-divisor=\(final)"]
            )
        }
    }
}

/// A schedule is stored as its text.
extension LearningRateSchedule: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// The parameters of a text, asked for by name: what was never asked for is unknown.
private struct ScheduleParameters {
    private var given: [String: String] = [:]
    private var known: [String] = []

    init(_ text: Substring) throws(LearningRateScheduleError) {
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2, given[sides[0]] == nil else { throw .malformedParameter(String(part)) }
            given[sides[0]] = sides[1]
        }
    }

    mutating func value<Value: LosslessStringConvertible>(
        _ name: String, default fallback: Value, _ range: ScheduleRange<Value>
    ) throws(LearningRateScheduleError) -> Value {
        known.append(name)
        guard let text = given[name] else { return fallback }
        guard let value = Value(text), range.contains(value) else {
            throw .invalidValue(text, parameter: name, requirement: range.requirement)
        }
        return value
    }

    func checkAllKnown(to curve: String) throws(LearningRateScheduleError) {
        for name in given.keys.sorted() where !known.contains(name) {
            throw .unknownParameter(name, curve: curve, known: known)
        }
    }
}
