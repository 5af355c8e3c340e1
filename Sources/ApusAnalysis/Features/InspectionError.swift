/// What cannot be looked at in a network.
public enum InspectionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The layer has no filters: it is no convolution.
    case noFilters(layer: String, kind: String, convolutions: [String])
    /// No convolution is in the network.
    case noConvolutions
    /// No layer comes before the last one with parameters.
    case noPenultimateLayer
    /// Fewer images than two directions take.
    case tooFewImages(found: Int, least: Int)
    /// Fewer features than two directions take.
    case tooFewFeatures(layer: String, found: Int)
    /// The features are the same for all images.
    case constantFeatures(layer: String, images: Int)
    /// A feature of an image is not finite.
    case notFinite(layer: String, image: Int)

    public var description: String {
        switch self {
        case .noFilters(let layer, let kind, let convolutions):
            "layer \(layer) is a \(kind), which has no filters; convolutions are \(convolutions.listed)"
        case .noConvolutions: "the network has no convolution, and so no filters"
        case .noPenultimateLayer:
            "no layer comes before the last one with parameters, whose features could be shown: name a layer"
        case .tooFewImages(let found, let least):
            "found \(found.counted("image")), expected at least \(least): fewer always lie on a line"
        case .tooFewFeatures(let layer, let found):
            "layer \(layer) has \(found.counted("feature")), expected at least 2"
        case .constantFeatures(let layer, let images):
            "the features of layer \(layer) are the same for all \(images.grouped) images: they have no directions"
        case .notFinite(let layer, let image):
            "the features of layer \(layer) are not finite for image \(image): the network has diverged"
        }
    }
}
