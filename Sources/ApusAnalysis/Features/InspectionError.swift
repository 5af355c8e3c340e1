import ApusFormats
import ApusNN

/// What cannot be looked at in a network.
public enum InspectionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// No layer goes by the path.
    case unknownLayer(path: String, suggestion: String?, known: [String])
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
        case .unknownLayer(let path, let suggestion, let known):
            "no layer is called \(path)"
                + (suggestion.map { "; did you mean \($0)?" } ?? "; there are \(known.listed)")
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

extension Network {
    /// The layer of a path.
    ///
    /// - Throws: `InspectionError.unknownLayer` where there is none.
    func layer(at path: String) throws(InspectionError) -> PlannedLayer {
        let layers = namedLayers
        guard let layer = layers.first(where: { $0.path == path }) else {
            let known = layers.map(\.path)
            throw .unknownLayer(
                path: path, suggestion: NearestName.suggestion(for: path, among: known), known: known)
        }
        return layer
    }

    /// The layers that have filters, in the order of the network.
    public var convolutions: [PlannedLayer] {
        namedLayers.filter { layer in layer.parameters.contains { $0.shape.count == 4 } }
    }
}

extension [String] {
    /// All where they are a dozen at most, else the first few.
    fileprivate var listed: String {
        let most = 12
        return prefix(most).joined(separator: ", ") + (count > most ? " and \(count - most) more" : "")
    }
}
