import ApusFormats
import ApusKernels

/// What cannot be explained, or not so.
public enum ExplanationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No layer has the name; `known` are those that have maps.
    case unknownLayer(name: String, known: [String])
    /// A layer's output is one vector, so that no place of the image is told from another.
    case noMaps(layer: String, output: Shape, known: [String])
    /// No layer is a convolution whose output has more than one pixel.
    case noConvolution
    /// The network does not end in a mean of maps, and perhaps one linear layer after it.
    case noPooledEnd(found: String)
    case unknownClass(name: String, known: [String])
    case classOutOfRange(index: Int, classes: Int)
    /// A setting of a method that it cannot work with.
    case invalidSetting(name: String, found: String, expected: String)

    public var description: String {
        switch self {
        case .unknownLayer(let name, let known):
            "no layer is named '\(name)'" + Self.hint(name, known, "layers with maps")
        case .noMaps(let layer, let output, let known):
            "layer \(layer) gives \(output) numbers and no map, expected one of the layers "
                + known.joined(separator: ", ")
        case .noConvolution: "the network has no convolution whose output is a map of more than one pixel"
        case .noPooledEnd(let found):
            "class activation maps want a network that ends in GlobalAveragePool2D, or in that and one Linear; "
                + "found \(found): Grad-CAM explains any network with a convolution"
        case .unknownClass(let name, let known):
            "no class is named '\(name)'" + Self.hint(name, known, "classes")
        case .classOutOfRange(let index, let classes):
            "found class \(index), expected one of 0 to \(classes - 1)"
        case .invalidSetting(let name, let found, let expected):
            "found a \(name) of \(found), expected \(expected)"
        }
    }

    private static func hint(_ name: String, _ known: [String], _ kind: String) -> String {
        if let near = NearestName.suggestion(for: name, among: known) { return "; did you mean '\(near)'?" }
        let most = 20
        let rest = known.count > most ? " and \(known.count - most) more" : ""
        return "; the \(kind) are \(known.prefix(most).joined(separator: ", "))\(rest)"
    }
}
