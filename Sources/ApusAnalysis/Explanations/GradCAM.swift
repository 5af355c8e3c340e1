import ApusNN

/// Grad-CAM (Selvaraju et al., 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
/// Localization"): the maps of a layer, each times the mean of the class score's gradient with respect to it, summed and
/// rectified.
///
///     map = max(0, sum over k of a[k] A[k]),   a[k] = mean over pixels of dS/dA[k]
///
/// The map has the size of the layer's. For a network that ends in a mean of maps and a linear layer, that of the last
/// maps is the class activation map, rectified, by the number of its pixels.
public struct GradCAM: ExplanationMethod {
    /// The path of the layer, whose output must be a map.
    public let layer: String?

    /// - Parameter layer: by default the last convolution that gives a map of more than one pixel, as in the paper.
    public init(layer: String? = nil) { self.layer = layer }

    public var name: String { "Grad-CAM" }
    public var isSigned: Bool { false }

    public func layer(in network: Network) throws -> PlannedLayer? { try looked(at: network) }

    public func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
        try request.activationsAndGradients(of: looked(at: request.network)).map { activations, gradients in
            let sums = activations.sum(weights: gradients.means)
            return AttributionMap(
                height: activations.shape.height, width: activations.shape.width,
                values: sums.map { Float(max(0, $0)) })
        }
    }

    private func looked(at network: Network) throws -> PlannedLayer {
        if let layer { return try network.layerWithMaps(layer) }
        guard
            let last = network.namedLayers.last(where: { $0.layer is Conv2D && !$0.output.isVector })
        else { throw ExplanationError.noConvolution }
        return last
    }
}

extension ExplanationMethod where Self == GradCAM {
    /// See `GradCAM`.
    public static func gradCAM(layer: String? = nil) -> GradCAM { GradCAM(layer: layer) }
}
