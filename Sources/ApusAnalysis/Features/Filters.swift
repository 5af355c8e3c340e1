import ApusNN
import ApusTraining

extension Network {
    /// The filters of a convolution as pictures.
    ///
    /// - Parameters:
    ///   - path: of the layer, by default the first convolution.
    ///   - scale: which filters share a greatest weight.
    /// - Throws: `UnknownLayerError`, `InspectionError.noFilters` or `.noConvolutions`.
    public func filters(
        ofLayer path: String? = nil, scale: FilterPictures.Scale = .all
    ) throws -> FilterPictures {
        let convolutions = self.convolutions
        guard let layer = try path.map({ try layer(at: $0) }) ?? convolutions.first else {
            throw InspectionError.noConvolutions
        }
        guard let weights = layer.parameters.first(where: { $0.shape.count == 4 }) else {
            throw convolutions.isEmpty
                ? InspectionError.noConvolutions
                : .noFilters(
                    layer: layer.path, kind: layer.layer.kind, convolutions: convolutions.map(\.path))
        }
        return FilterPictures(self, weights, scale: scale)
    }
}
