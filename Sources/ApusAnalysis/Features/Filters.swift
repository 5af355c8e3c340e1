import ApusNN
import ApusTraining

extension Network {
    /// The filters of a convolution as pictures.
    ///
    /// - Parameters:
    ///   - path: of the layer, by default the first convolution.
    ///   - scale: which filters share a greatest weight.
    /// - Throws: `InspectionError.unknownLayer`, `.noFilters` or `.noConvolutions`.
    public func filters(ofLayer path: String? = nil, scale: FilterPictures.Scale = .all)
        throws(InspectionError) -> FilterPictures
    {
        let convolutions = self.convolutions
        let found: PlannedLayer?
        if let path { found = try layer(at: path) } else { found = convolutions.first }
        guard let layer = found else { throw .noConvolutions }
        guard let weights = layer.parameters.first(where: { $0.shape.count == 4 }) else {
            throw convolutions.isEmpty
                ? .noConvolutions
                : .noFilters(
                    layer: layer.path, kind: layer.layer.kind, convolutions: convolutions.map(\.path))
        }
        return FilterPictures(self, weights, scale: scale)
    }
}
