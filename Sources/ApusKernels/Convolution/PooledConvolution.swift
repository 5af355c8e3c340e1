/// A convolution, the ReLU and the maximum pooling after it, channels last, without the map between them in memory. Products
/// are direct ones.
///
/// At the front of a network that map is its largest, and nobody else reads it. Forward computes a strip of its
/// rows, which stays in cache, and pools it; backward rebuilds a strip's gradient from that of the maxima and their
/// places.
package struct PooledConvolution {
    let convolution: ConvolutionGeometry
    let pooling: PoolingGeometry

    package init(_ convolution: ConvolutionGeometry, _ pooling: PoolingGeometry) {
        precondition(convolution.output == pooling.input)
        self.convolution = convolution
        self.pooling = pooling
    }

    /// Rows of pooling's output, and of the convolution's, that are computed at a time.
    private var pooledRows: Int {
        max(1, convolution.tilePixels / (convolution.output.width * pooling.stride.height))
    }
    private var stripRows: Int { (pooledRows - 1) * pooling.stride.height + pooling.kernel.height }
    private var stripFloats: Int {
        FloatBuffer.aligned(stripRows * convolution.output.width * convolution.output.channels)
    }

    /// Floats of scratch beside the tensors.
    package var scratchCount: Int {
        stripFloats + FloatBuffer.aligned(pooling.output.count)
            + convolution.algorithmScratch(.channelsLast, .direct)
    }

    /// Computes the maxima, and to `indices` their places in their windows.
    package func forward(
        input: Tensor, weights: ConvolutionWeights, bias: FloatView?, share: Share = .all,
        scratch: FloatView, into output: Tensor, indices: ByteView
    ) {
        check(input, output, indices)
        let (strip, _, columns) = parts(scratch)
        let (width, pixels) = (convolution.output.width, convolution.output.pixels)
        var sliding = pooling.sliding
        for image in 0..<input.batch {
            // The rows of the map that the strip holds.
            var held = 0..<0
            let rows = share.range(of: pooling.output.height)
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: pooledRows) {
                let last = min(first + pooledRows, rows.upperBound) - 1
                let needed =
                    pooling.window(first, 0).rows.lowerBound..<pooling.window(last, 0).rows.upperBound
                // What this run of windows shares with the one before is kept.
                let kept = max(needed.lowerBound, held.lowerBound)..<max(needed.lowerBound, held.upperBound)
                for row in kept {
                    strip.row(row - needed.lowerBound, width)
                        .copy(from: strip.row(row - held.lowerBound, width))
                }
                let origin = image * pixels + needed.lowerBound * width
                Convolution.forward(
                    convolution, pixels: origin + kept.count * width..<origin + needed.count * width,
                    input: input, weights: weights, bias: bias, rectifies: true, algorithm: .direct,
                    scratch: columns, into: strip, from: origin)
                held = needed
                unsafe VectorKernels.current.max_pool_last(
                    &sliding, first, last + 1 - first,
                    strip.base - needed.lowerBound * width * strip.leadingDimension,
                    strip.leadingDimension,
                    output.base + image * output.blockStride
                        + first * pooling.output.width * output.rowStride, output.rowStride,
                    indices.base + image * pooling.output.count
                        + first * pooling.output.width * pooling.output.channels)
            }
        }
    }

    /// Adds the gradients of the weights and the bias, and adds or writes that of the input; see
    /// `Convolution.backward`. `output` and `indices` are forward's.
    package func backward(
        input: Tensor, weights: ConvolutionWeights, output: Tensor, indices: ByteView, outputGradient: Tensor,
        scratch: FloatView, weightGradient: FloatView?,
        biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        check(input, output, indices)
        outputGradient.checkMatches(output)
        let (strip, mask, columns) = parts(scratch)
        let (width, height) = (convolution.output.width, convolution.output.height)
        var sliding = pooling.sliding
        inputGradient.clear()
        for image in 0..<input.batch {
            let pooled = image * pooling.output.pixels..<(image + 1) * pooling.output.pixels
            // A maximum is the rectified value itself: where it is zero, so is the gradient.
            let gradient = outputGradient.matrix.rows(pooled)
                .masked(by: output.matrix.rows(pooled), in: mask)
            for first in stride(from: 0, to: height, by: stripRows) {
                let rows = first..<min(first + stripRows, height)
                unsafe VectorKernels.current.max_pool_last_gradient(
                    &sliding, first, rows.count, gradient.base, gradient.leadingDimension,
                    indices.base + image * pooling.output.count, false, strip.base,
                    strip.leadingDimension)
                let start = (image * height + first) * width
                Convolution.backward(
                    convolution, pixels: start..<start + rows.count * width, input: input,
                    weights: weights, outputGradient: strip, from: start,
                    rectifiedOutput: nil, algorithm: .direct, scratch: columns,
                    maskScratch: columns.slice(0..<0), weightGradient: weightGradient,
                    biasGradient: biasGradient, inputGradient: inputGradient.adding)
            }
        }
    }

    private func parts(_ scratch: FloatView) -> (strip: MatrixView, mask: FloatView, columns: FloatView) {
        let maskEnd = stripFloats + FloatBuffer.aligned(pooling.output.count)
        return (
            scratch.matrix(
                rows: stripRows * convolution.output.width, columns: convolution.output.channels),
            scratch.slice(stripFloats..<maskEnd), scratch.slice(maskEnd..<scratchCount)
        )
    }

    private func check(_ input: Tensor, _ output: Tensor, _ indices: ByteView) {
        precondition(
            input.shape == convolution.input && output.shape == pooling.output
                && input.batch == output.batch && input.layout == .channelsLast
                && output.layout == .channelsLast && indices.count >= output.count)
    }
}

extension MatrixView {
    /// The pixels of one row of a map that is `width` wide.
    fileprivate func row(_ row: Int, _ width: Int) -> FloatView {
        unsafe FloatView(base: rows(row * width..<(row + 1) * width).base, count: width * columns)
    }
}
