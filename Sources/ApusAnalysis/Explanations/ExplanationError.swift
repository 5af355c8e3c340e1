import ApusKernels

/// What cannot be explained, or not so.
public enum ExplanationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A layer's output is one vector, so that no place of the image is told from another.
    case noMaps(layer: String, output: Shape, known: [String])
    /// No layer is a convolution whose output has more than one pixel.
    case noConvolution
    /// The network does not end in a mean of maps, and perhaps one linear layer after it.
    case noPooledEnd(found: String)
    /// The network's outputs are probabilities, and no logits.
    case endsInSoftmax(layer: String)
    /// Nothing is seen of a layer without a name, of the whole network, or of another network's layer.
    case unseenLayer(kind: String, path: String)
    case unknownClass(name: String, known: [String])
    case classOutOfRange(index: Int, classes: Int)
    /// A setting of a method that it cannot work with.
    case invalidSetting(name: String, found: String, expected: String)
    /// A map holds what is no finite number; images count from 0.
    case notFinite(method: String, image: Int)

    public var description: String {
        switch self {
        case .noMaps(let layer, let output, let known):
            "layer \(layer) gives \(output) numbers and no map, expected one of the layers \(known.listed)"
        case .noConvolution: "the network has no convolution whose output is a map of more than one pixel"
        case .noPooledEnd(let found):
            "class activation maps want a network that ends in GlobalAveragePool2D, or in that and Linear; found "
                + "\(found): Grad-CAM explains any network with a convolution"
        case .endsInSoftmax(let layer):
            "the network ends in Softmax (\(layer)), expected the logits before it, whose gradients explain a class: "
                + "leave it out, a classifier's probabilities are the softmax of its outputs in any case"
        case .unseenLayer(let kind, let path):
            "found \(kind) (\(path.isEmpty ? "without a path" : path)), expected a layer with a name of the network that "
                + "is explained, one of its namedLayers"
        case .unknownClass(let name, let known):
            "no class is named \(name)" + known.hint(for: name, kind: "classes")
        case .classOutOfRange(let index, let classes):
            "found class \(index), expected one of 0 to \(classes - 1)"
        case .invalidSetting(let name, let found, let expected):
            "found a \(name) of \(found), expected \(expected)"
        case .notFinite(let method, let image):
            "\(method) of image \(image) found values that are not finite, expected finite numbers: its settings or the "
                + "network's weights are too large"
        }
    }
}
