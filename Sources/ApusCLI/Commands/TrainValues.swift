import ApusData
import ApusFormats
import ApusNN
import ApusTraining

extension ImageSize: ArgumentValue {
    /// Larger images than this are taken for a slip of the hand.
    private static let greatestExtent = 4096

    package var argument: String { height == width ? "\(height)" : description }

    /// Reads `64`, for a square, or `64x48`.
    package init(argument: String) throws(InvalidArgument) {
        let extents = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard 1...2 ~= extents.count, extents.allSatisfy({ 1...Self.greatestExtent ~= $0 }) else {
            throw InvalidArgument(
                mustBe: "a number such as 64, or height and width such as 64x48, "
                    + "of at most \(Self.greatestExtent)")
        }
        self.init(height: extents[0], width: extents[extents.count - 1])
    }
}

extension Whitening.Settings: ArgumentValue {
    package init(argument: String) throws(InvalidArgument) {
        do {
            try self.init(parsing: argument)
        } catch {
            throw InvalidArgument(mustBe: "zca or pca, and perhaps :epsilon=x,images=n after it (\(error))")
        }
    }
}

extension ClassWeights: ArgumentValue {
    package var argument: String {
        switch self {
        case .balanced: "balanced"
        case .values(let values): values.map(\.argument).joined(separator: ",")
        }
    }

    /// Reads `balanced`, or a weight for each class: `1,1,2.5`.
    package init(argument: String) throws(InvalidArgument) {
        if argument == Self.balanced.argument {
            self = .balanced
            return
        }
        let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? 0 }
        guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw InvalidArgument(mustBe: "balanced, or a number above 0 for each class, separated by commas")
        }
        self = .values(values)
    }
}

/// Names of parameters, or patterns of them: `features.*,classifier.1.bias`.
struct NamePatterns: ArgumentValue {
    let patterns: [NamePattern]

    var argument: String { patterns.map(\.description).joined(separator: ",") }

    init(argument: String) throws(InvalidArgument) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty }) else {
            throw InvalidArgument(mustBe: "names or patterns, separated by commas")
        }
        patterns = parts.map { NamePattern(String($0)) }
    }
}

extension [Double] {
    /// A number for each channel, for people: `0.485, 0.456, 0.406`.
    var channelText: String { map { $0.digits(4) }.joined(separator: ", ") }
}

/// A number for each channel: `0.485,0.456,0.406`, or one for all.
struct ChannelNumbers: ArgumentValue {
    let numbers: [Double]

    var argument: String { numbers.map(\.argument).joined(separator: ",") }

    init(argument: String) throws(InvalidArgument) {
        numbers = argument.split(separator: ",", omittingEmptySubsequences: false).compactMap { Double($0) }
        guard numbers.count == argument.count(where: { $0 == "," }) + 1, numbers.allSatisfy(\.isFinite) else {
            throw InvalidArgument(
                mustBe: "numbers, separated by commas: one for each channel, or one for all")
        }
    }
}
