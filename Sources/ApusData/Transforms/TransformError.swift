import ApusFormats

/// A transform that is not as it should be, or not for these images; names are those of `Augmentation`'s text.
public enum TransformError: Error, Sendable, Hashable, CustomStringConvertible {
    /// There is no transform of that name.
    case unknownTransform(String)
    /// Part of a text that is no transform.
    case malformed(String)
    /// The transform has no parameter of that name.
    case unknownParameter(String, transform: String, known: [String])
    /// A value is missing, no value of its kind, or out of range.
    case invalidValue(String, name: String, requirement: String)
    /// The transform, or a parameter, is given twice.
    case repeated(String)
    /// An image that nothing can become of.
    case size(transform: String, found: ImageSize, expected: String)
    /// Images that a transform is not for.
    case channels(transform: String, found: Int, expected: Int)

    public var description: String {
        switch self {
        case .unknownTransform(let found):
            "there is no transform '\(found)'" + Self.suggestion(for: found, Augmentation.names)
        case .malformed(let found):
            "each transform must be a name, or name=value, with any parameters behind colons as in "
                + "'elastic=34:deviation=4', found '\(found)'"
        case .unknownParameter(let found, let transform, let known):
            known.isEmpty
                ? "\(transform) has no parameters, found '\(found)'"
                : "\(transform) has no parameter '\(found)'" + Self.suggestion(for: found, known)
        case .invalidValue(let found, let name, let requirement):
            "\(name) must be \(requirement), found \(found.isEmpty ? "nothing" : found)"
        case .repeated(let name):
            "\(name) is given twice where it is done at once"
        case .size(let transform, let found, let expected):
            "\(transform) is for images of \(expected), found one of \(found)"
        case .channels(let transform, let found, let expected):
            "\(transform) is for images of \(expected) channels, found \(found)"
        }
    }

    private static func suggestion(for found: String, _ names: [String]) -> String {
        let nearest = NearestName.suggestion(for: found, among: names)
        return (nearest.map { "; did you mean '\($0)'?" } ?? "")
            + " (there are \(names.joined(separator: ", ")))"
    }

    /// - Throws: `.invalidValue` where `value` is not in `range`.
    static func check(
        _ value: Double, _ name: String, in range: ClosedRange<Double>
    ) throws(TransformError) {
        guard range.contains(value) else {
            throw .invalidValue(
                value.text, name: name,
                requirement: "between \(range.lowerBound.text) and \(range.upperBound.text)")
        }
    }

    /// - Throws: `.invalidValue` where an extent is below 1 or absurd.
    static func check(_ size: ImageSize, _ name: String) throws(TransformError) {
        guard 1...greatestExtent ~= size.height, 1...greatestExtent ~= size.width else {
            throw .invalidValue(
                size.text, name: name, requirement: "an image's size of at most \(greatestExtent)")
        }
    }

    static let greatestExtent = 65_536
}

extension Double {
    /// Whole numbers without decimals.
    var text: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : description }
}

extension ImageSize {
    /// A square by its side alone.
    var text: String { height == width ? String(height) : description }
}
