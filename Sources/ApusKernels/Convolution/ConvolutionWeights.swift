/// A convolution's weights, and what its algorithm has made of them before any image.
public struct ConvolutionWeights: Sendable {
    let values: FloatView
    /// Filled by `prepare`. Winograd's algorithms want them; direct products copy less with them.
    let prepared: FloatView?
    let preparedForBackward: FloatView?

    public init(_ values: FloatView, prepared: FloatView? = nil, preparedForBackward: FloatView? = nil) {
        self.values = values
        self.prepared = prepared
        self.preparedForBackward = preparedForBackward
    }

    /// Fills a share of what is prepared, if anything is; for backward too where asked for.
    public func prepare(
        _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm, forBackward: Bool,
        share: Share = .all
    ) {
        guard let prepared else { return }
        precondition(values.count == geometry.weightCount)
        let transposed = forBackward ? preparedForBackward : nil
        switch algorithm {
        case .imagesLastWinograd:
            ImagesLastWinograd.prepare(geometry, weights: values, share: share, into: prepared)
        // The rest are not divided.
        case _ where !share.hasWhole: break
        case .imagesLastRowWinograd: ImagesLastRowWinograd.prepare(geometry, weights: values, into: prepared)
        case .winograd:
            Winograd.prepare(geometry, weights: values, into: prepared, transposedInto: transposed)
        default:
            let w = Convolution.weightMatrix(geometry, values, 0, .channelsLast)
            DirectProduct.pack(w, into: prepared)
            if let transposed { DirectProduct.pack(w.transposed, into: transposed) }
        }
    }

    /// The second factor of the forward product for some output channels of one group: all, or, where they were
    /// prepared, shares of `DirectProduct.columns`.
    func factor(_ geometry: ConvolutionGeometry, channels: Range<Int>) -> DirectProduct.SecondFactor {
        guard let prepared else {
            return .plain(Convolution.weightMatrix(geometry, values, channels: channels))
        }
        precondition(DirectProduct.arePanels(channels, of: geometry.output.channels))
        return .packed(
            prepared.slice(channels.lowerBound * geometry.depth..<prepared.count), rows: geometry.depth,
            columns: channels.count)
    }

    /// The second factor of the product for the input's gradient.
    func transposedFactor(_ geometry: ConvolutionGeometry, group: Int) -> DirectProduct.SecondFactor {
        guard let preparedForBackward else {
            return .plain(Convolution.weightMatrix(geometry, values, group, .channelsLast).transposed)
        }
        return .packed(preparedForBackward, rows: geometry.output.channels, columns: geometry.depth)
    }
}

extension Convolution {
    /// Floats of what an algorithm makes of the weights, for forward and for backward; nil where it makes nothing of
    /// them.
    public static func preparedCounts(
        _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
    ) -> (forward: Int, backward: Int)? {
        let (depth, outputs) = (geometry.depth, geometry.output.channels)
        switch algorithm {
        case .winograd:
            let count = Winograd.preparedCount(geometry)
            return (count, count)
        case .imagesLastWinograd: return (ImagesLastWinograd.preparedCount(geometry), 0)
        case .imagesLastRowWinograd: return (ImagesLastRowWinograd.preparedCount(geometry), 0)
        case .direct where geometry.groups == 1:
            return (
                DirectProduct.packedCount(rows: depth, columns: outputs),
                DirectProduct.packedCount(rows: outputs, columns: depth)
            )
        default: return nil
        }
    }
}
