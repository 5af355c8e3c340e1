/// The gradient of the class score with respect to the image (Simonyan, Vedaldi and Zisserman, 2013, "Deep Inside
/// Convolutional Networks: Visualising Image Classification Models and Saliency Maps"): of each pixel the greatest
/// magnitude in any channel.
///
/// The image is the network's input, normalised. The map has its size.
public struct Saliency: ExplanationMethod {
    public init() {}

    public var name: String { "Saliency" }
    public var isSigned: Bool { false }

    public func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
        var maps: [AttributionMap] = []
        try request.forEachInputGradient(of: .unchanged(request.count)) { _, gradient in
            maps.append(gradient.greatestMagnitudes)
        }
        return maps
    }
}

extension ExplanationMethod where Self == Saliency {
    /// See `Saliency`.
    public static var saliency: Saliency { Saliency() }
}
