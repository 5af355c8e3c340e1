import CVectorKernels

/// A 1x1 convolution, the ReLU and the mean of each channel after it without the map between them in memory: channels last, where
/// products are direct ones.
///
/// Networks that end so classify by it (Lin, Chen and Yan, 2014, "Network in Network"). Forward computes a tile of pixels, adds
/// what is above zero to the means, and keeps of the map one bit of each element: whether it is. Backward needs no more, for the
/// gradient of an element is its mean's, over the pixels, or zero: both products are of zeros and ones times the weights and the
/// input, by the method of the Four Russians (see `averaged.inc`), and add a fifth of what a dense product multiplies.
package struct AveragedConvolution {
    let convolution: ConvolutionGeometry

    /// Whether a convolution that takes this algorithm can be computed together with the means of its channels, and its maps have
    /// pixels enough to pay for the sums of all choices (measured: as fast as dense products at 12, twice as fast at 36).
    package static func isPossible(
        _ convolution: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
    ) -> Bool {
        algorithm == .direct && convolution.isPointwise && convolution.groups == 1
            && convolution.depth % Int(apus_chunk) == 0
            && convolution.output.pixels >= 16
    }

    package init(_ convolution: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm) {
        precondition(Self.isPossible(convolution, algorithm))
        self.convolution = convolution
    }

    private var sizes: apus_averaged {
        apus_averaged(
            pixels: convolution.output.pixels, inputs: convolution.depth,
            outputs: convolution.output.channels)
    }

    /// Floats of memory from forward to backward, for each image: the bits.
    package var savedCount: Int {
        apus_positive_words(convolution.output.pixels, convolution.output.channels)
    }

    /// Floats of scratch beside the tensors.
    package var scratchCount: Int {
        max(
            mapFloats + convolution.algorithmScratch(.channelsLast, .direct),
            apus_averaged_scratch(convolution.output.pixels, convolution.output.channels))
    }

    /// Room for a tile of the map.
    private var mapFloats: Int {
        FloatBuffer.aligned(convolution.tilePixels * convolution.output.channels)
    }

    /// Computes the means, and to `positives` where the map is above zero, unless no gradient follows. Threads share channels, by
    /// panels of 64, the last of which may be narrower.
    package func forward(
        input: Tensor, weights: ConvolutionWeights, bias: FloatView?, share: Share = .all,
        scratch: FloatView, into output: Tensor, positives: FloatView, keepsPositives: Bool = true
    ) {
        check(input, output)
        precondition(!keepsPositives || share == .all && positives.count >= output.batch * savedCount)
        let channels = DirectProduct.columns(share, of: convolution.output.channels)
        guard !channels.isEmpty else { return }
        let means = output.channels(channels)
        means.fill(0)
        let pixels = convolution.output.pixels
        convolution.forEachTile(0..<input.batch * pixels) { tile in
            let map = scratch.matrix(rows: tile.pixels.count, columns: channels.count)
            Convolution.directProduct(
                convolution, input.matrix.rows(tile.pixels), weights, channels: channels, into: map,
                bias: bias?.slice(channels), rectifies: false,
                scratch: scratch.slice(mapFloats..<scratch.count))
            tile.forEachImage { rows, first, image in
                unsafe VectorKernels.current.rectified_sums(
                    channels.count, first, rows.count, map.rows(rows).base, map.leadingDimension,
                    means.base + image * means.rowStride,
                    keepsPositives ? positives.words + image * savedCount : nil)
            }
        }
        let scale = 1 / Float(pixels)
        means.map(means) { $0 * scale }
    }

    /// Adds the gradient of the bias, and adds or writes those of the weights and the input; see `Convolution.backward`.
    /// `positives` are forward's.
    package func backward(
        input: Tensor, weights: ConvolutionWeights, positives: FloatView, outputGradient: Tensor,
        scratch: FloatView, weightGradient: FloatView?, addingToWeights: Bool = true,
        biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        check(input, outputGradient)
        var sizes = sizes
        precondition(scratch.count >= scratchCount && positives.count >= input.batch * savedCount)
        if let biasGradient { addBias(outputGradient, positives, to: biasGradient) }
        if let weightGradient {
            precondition(weightGradient.count == convolution.weightCount)
            unsafe VectorKernels.current.averaged_weight_gradient(
                &sizes, input.batch, positives.words, outputGradient.base, outputGradient.rowStride,
                input.base, input.rowStride, addingToWeights, weightGradient.base, scratch.base)
        }
        guard let target = inputGradient.tensor else { return }
        target.checkMatches(input)
        guard case .packed(let panels, _, _) = weights.transposedFactor(convolution, group: 0) else {
            preconditionFailure("weights that were not prepared")
        }
        let (rows, columns) = (convolution.output.channels, convolution.depth)
        precondition(panels.count >= DirectProduct.packedCount(rows: rows, columns: columns))
        unsafe VectorKernels.current.averaged_input_gradient(
            &sizes, input.batch, positives.words, outputGradient.base, outputGradient.rowStride, panels.base,
            inputGradient.isAddition, target.base, target.rowStride, scratch.base)
    }

    private func addBias(_ outputGradient: Tensor, _ positives: FloatView, to biasGradient: FloatView) {
        precondition(biasGradient.count == convolution.output.channels)
        let step = apus_positive_step(biasGradient.count)
        let scale = 1 / Float(convolution.output.pixels)
        for image in 0..<outputGradient.batch {
            let words = unsafe positives.words + image * savedCount
            for channel in 0..<biasGradient.count {
                var count = 0
                for word in Swift.stride(from: channel, to: savedCount, by: step) {
                    unsafe count += words[word].nonzeroBitCount
                }
                unsafe biasGradient.base[channel] +=
                    outputGradient.base[image * outputGradient.rowStride + channel] * scale * Float(count)
            }
        }
    }

    private func check(_ input: Tensor, _ output: Tensor) {
        precondition(
            input.shape == convolution.input && output.shape == .features(convolution.output.channels)
                && input.batch == output.batch && input.layout == .channelsLast
                && output.layout == .channelsLast)
    }
}

extension FloatView {
    /// The same memory as words of bits.
    @unsafe fileprivate var words: UnsafeMutablePointer<UInt32> {
        unsafe UnsafeMutableRawPointer(base).assumingMemoryBound(to: UInt32.self)
    }
}
