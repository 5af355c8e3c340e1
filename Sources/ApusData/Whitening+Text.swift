import ApusFormats

/// The text of a whitening's settings: its method and any parameters, `zca`, `pca:epsilon=0.01`,
/// `zca:epsilon=0.1,images=10000`.
extension Whitening.Settings: CustomStringConvertible {
    public static let methods = Whitening.Method.allCases.map(\.rawValue)
    public static let parameters = ["epsilon", "images"]

    /// Reads such a text.
    ///
    /// - Throws: `WhiteningError`, which says what would have been right.
    public init(parsing text: String) throws(WhiteningError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let method = Whitening.Method(rawValue: String(parts[0])) else {
            throw .unknownMethod(String(parts[0]))
        }
        var (epsilon, images): (Double?, Int?)
        let parameters =
            parts.count > 1 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : []
        for parameter in parameters {
            let sides = parameter.split(separator: "=", maxSplits: 1).map(String.init)
            guard sides.count == 2 else { throw .malformedParameter(String(parameter)) }
            let (name, value) = (sides[0], sides[1])
            switch name {
            case "epsilon" where epsilon == nil:
                guard let number = Double(value) else {
                    throw .invalidValue(value, parameter: name, requirement: "a number of at least 0")
                }
                epsilon = number
            case "images" where images == nil:
                guard let number = Int(value) else {
                    throw .invalidValue(
                        value, parameter: name, requirement: "a whole number of at least 2")
                }
                images = number
            case "epsilon", "images": throw .malformedParameter(String(parameter))
            default: throw .unknownParameter(name)
            }
        }
        try self.init(
            method, epsilon: epsilon ?? Self.defaultEpsilon, images: images ?? Self.defaultImages)
    }

    /// The text, with every parameter.
    public var description: String { "\(method.rawValue):epsilon=\(epsilon),images=\(images)" }
}

extension WhiteningError {
    static func suggestion(for found: String, _ names: [String]) -> String {
        let nearest = NearestName.suggestion(for: found, among: names)
        return (nearest.map { "; did you mean '\($0)'?" } ?? "")
            + " (there are \(names.joined(separator: ", ")))"
    }
}
