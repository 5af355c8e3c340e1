/// A convolution, the ReLU and the maximum pooling after it without the map between them in memory: channels last, where products
/// are direct ones, and images last, where a single channel goes by rows.
///
/// At the front of a network that map is its largest, and nobody else reads it. Channels last, forward computes a strip of its
/// rows, which stays in cache, and pools it. Backward adds, for each maximum, what the kernel saw at its place to the
/// gradient of the weights, where those are at most half of the map and the kernel is not deep; else, and for the gradient of the
/// input, it rebuilds the gradient of a strip. Images last, the kernel itself makes maxima and reads their gradients; for the gradient of
/// the input that of a block's map is rebuilt.
package struct PooledConvolution {
    let convolution: ConvolutionGeometry
    let pooling: PoolingGeometry
    private let algorithm: ConvolutionAlgorithm

    /// Whether a convolution that takes this algorithm can be computed together with this pooling.
    package static func isPossible(
        _ convolution: ConvolutionGeometry, _ pooling: PoolingGeometry, _ algorithm: ConvolutionAlgorithm
    ) -> Bool {
        switch algorithm {
        case .direct: pooling.kernel.height * pooling.kernel.width <= 256
        case .imagesLastRowWinograd: pooling.isTwoByTwo
        default: false
        }
    }

    package init(
        _ convolution: ConvolutionGeometry, _ pooling: PoolingGeometry, _ algorithm: ConvolutionAlgorithm
    ) {
        precondition(
            convolution.output == pooling.input && Self.isPossible(convolution, pooling, algorithm))
        self.convolution = convolution
        self.pooling = pooling
        self.algorithm = algorithm
    }

    private var layout: Layout { algorithm == .direct ? .channelsLast : .imagesLast }

    /// Rows of pooling's output, and of the convolution's, that are computed at a time.
    private var pooledRows: Int {
        max(1, convolution.tilePixels / (convolution.output.width * pooling.stride.height))
    }
    private var stripRows: Int { (pooledRows - 1) * pooling.stride.height + pooling.kernel.height }
    /// Room for a strip, or for what sums over maxima take.
    private var stripFloats: Int {
        let strip = stripRows * convolution.output.width * convolution.output.channels
        return FloatBuffer.aligned(max(strip, sumsMaxima ? columnsFloats + sumsFloats : 0))
    }

    /// Whether the gradient of the weights is a sum over maxima: of each the column of the convolution at its place. That
    /// runs at half the rate of a product or somewhat more, and columns of several rows should stay in cache.
    private var sumsMaxima: Bool {
        convolution.groups == 1 && convolution.depth <= 512
            && 2 * pooling.output.pixels <= convolution.output.pixels
    }

    /// Floats from one such column to the next, and of a row of them.
    private var columnSpacing: Int { (convolution.depth + Im2col.chunk - 1) / Im2col.chunk * Im2col.chunk }
    private var columnRow: Int { convolution.output.width * columnSpacing }

    /// Rows of windows whose columns are made at a time, of 384 KB or those of one row.
    private var summedRows: Int {
        min(
            pooling.output.height,
            max(0, 98304 / columnRow - pooling.kernel.height) / pooling.stride.height + 1)
    }
    private var columnsFloats: Int {
        ((summedRows - 1) * pooling.stride.height + pooling.kernel.height) * columnRow
    }
    private var sumsFloats: Int { convolution.output.channels * columnSpacing }

    /// Floats of scratch beside the tensors.
    package var scratchCount: Int {
        if layout == .imagesLast {
            return blockScratch
        }
        return stripFloats + FloatBuffer.aligned(pooling.output.count)
            + convolution.algorithmScratch(.channelsLast, .direct)
    }

    /// Computes the maxima, and to `indices` their places in their windows; channels last, unless no gradient follows.
    package func forward(
        input: Tensor, weights: ConvolutionWeights, bias: FloatView?, share: Share = .all,
        scratch: FloatView, into output: Tensor, indices: ByteView, keepsIndices: Bool = true
    ) {
        check(input, output, indices)
        if layout == .imagesLast {
            // Blocks of images are not shared.
            guard share.hasWhole else { return }
            forwardByBlocks(
                input: input, weights: weights, bias: bias, scratch: scratch, into: output, indices: indices)
            return
        }
        let (strip, _, columns) = parts(scratch)
        let (width, pixels) = (convolution.output.width, convolution.output.pixels)
        var sliding = pooling.sliding
        for image in 0..<input.batch {
            // The rows of the map that the strip holds.
            var held = 0..<0
            let rows = share.range(of: pooling.output.height)
            for first in stride(from: rows.lowerBound, to: rows.upperBound, by: pooledRows) {
                let end = min(first + pooledRows, rows.upperBound)
                let needed = pooling.rows(under: first..<end)
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
                    &sliding, first, end - first,
                    strip.base - needed.lowerBound * width * strip.leadingDimension,
                    strip.leadingDimension, false,
                    output.base + image * output.blockStride
                        + first * pooling.output.width * output.rowStride, output.rowStride,
                    keepsIndices
                        ? indices.base + image * pooling.output.count
                            + first * pooling.output.width * pooling.output.channels : nil)
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
        if layout == .imagesLast {
            backwardByBlocks(
                input: input, weights: weights, indices: indices, outputGradient: outputGradient,
                scratch: scratch, weightGradient: weightGradient, biasGradient: biasGradient,
                inputGradient: inputGradient)
            return
        }
        let sumsMaxima = sumsMaxima && weightGradient != nil
        if sumsMaxima, let weightGradient {
            addMaxima(
                input: input, output: output, indices: indices, outputGradient: outputGradient,
                scratch: scratch, weightGradient: weightGradient, biasGradient: biasGradient)
        }
        if !sumsMaxima || inputGradient.tensor != nil {
            backwardByStrips(
                input: input, weights: weights, output: output, indices: indices,
                outputGradient: outputGradient, scratch: scratch,
                weightGradient: sumsMaxima ? nil : weightGradient,
                biasGradient: sumsMaxima ? nil : biasGradient, inputGradient: inputGradient)
        }
    }

    /// Adds the gradients of the weights and the bias.
    private func addMaxima(
        input: Tensor, output: Tensor, indices: ByteView, outputGradient: Tensor, scratch: FloatView,
        weightGradient: FloatView, biasGradient: FloatView?
    ) {
        let (_, mask, _) = parts(scratch)
        let columns = scratch.matrix(rows: columnsFloats / columnSpacing, columns: columnSpacing)
        let sums = scratch.slice(columnsFloats..<columnsFloats + sumsFloats)
        sums.fill(0)
        var sliding = pooling.sliding
        let (width, outputs) = (convolution.output.width, pooling.output)
        for image in 0..<input.batch {
            let pixels = input.matrix.rows(
                image * convolution.input.pixels..<(image + 1) * convolution.input.pixels)
            for first in stride(from: 0, to: outputs.height, by: summedRows) {
                let rows = first..<min(first + summedRows, outputs.height)
                let seen = pooling.rows(under: rows)
                Im2col.gather(
                    convolution, from: pixels, firstPixel: seen.lowerBound * width,
                    into: columns.rows(0..<seen.count * width).columns(0..<convolution.depth))
                for row in rows {
                    let start = (image * outputs.height + row) * outputs.width
                    let maxima = start..<start + outputs.width
                    // A maximum is the rectified value itself: where it is zero, so is the gradient.
                    let gradient = outputGradient.matrix.rows(maxima).masked(
                        by: output.matrix.rows(maxima), in: mask)
                    if let biasGradient { gradient.addColumnSums(to: biasGradient) }
                    unsafe VectorKernels.current.maxima_weight_gradient(
                        &sliding, columnSpacing,
                        columns.base + (pooling.window(row, 0).top - seen.lowerBound) * columnRow,
                        gradient.base, gradient.leadingDimension, indices.base + start * outputs.channels,
                        sums.base)
                }
            }
        }
        let weights = Convolution.weightMatrix(convolution, weightGradient, 0, .channelsLast)
        for tap in 0..<convolution.depth {
            for channel in 0..<weights.columns {
                unsafe weights.base[tap * weights.leadingDimension + channel] +=
                    sums.base[channel * columnSpacing + tap]
            }
        }
    }

    private func backwardByStrips(
        input: Tensor, weights: ConvolutionWeights, output: Tensor, indices: ByteView, outputGradient: Tensor,
        scratch: FloatView, weightGradient: FloatView?,
        biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        let (strip, mask, columns) = parts(scratch)
        let (width, height) = (convolution.output.width, convolution.output.height)
        var sliding = pooling.sliding
        inputGradient.clear()
        for image in 0..<input.batch {
            let pooled = image * pooling.output.pixels..<(image + 1) * pooling.output.pixels
            // As above.
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
                && input.batch == output.batch && input.layout == layout && output.layout == layout
                && indices.count >= layout.floats(batch: output.batch, output.shape))
    }
}

/// Images last, a block of them at a time.
extension PooledConvolution {
    /// Floats of scratch: the kernel's, and a block's map for the gradient of the input.
    fileprivate var blockScratch: Int {
        FloatBuffer.aligned(ImagesLastRowWinograd.scratchCount(convolution)) + mapFloats
    }

    private var mapFloats: Int { Layout.imagesLast.floats(batch: 1, convolution.output) }

    fileprivate func forwardByBlocks(
        input: Tensor, weights: ConvolutionWeights, bias: FloatView?, scratch: FloatView, into output: Tensor,
        indices: ByteView
    ) {
        for block in 0..<input.rows {
            unsafe ImagesLastRowWinograd.forward(
                convolution, input: input.maps(0..<1, ofBlock: block), weights: weights, bias: bias,
                rectifies: true, scratch: scratch,
                into: output.maps(0..<pooling.output.channels, ofBlock: block),
                places: indices.base + block * output.rowLength)
        }
    }

    fileprivate func backwardByBlocks(
        input: Tensor, weights: ConvolutionWeights, indices: ByteView, outputGradient: Tensor,
        scratch: FloatView, weightGradient: FloatView?,
        biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        var (sliding, windows) = (convolution.sliding, pooling.sliding)
        for block in 0..<input.rows {
            let dy = unsafe outputGradient.maps(0..<pooling.output.channels, ofBlock: block)
            let places = unsafe indices.base + block * outputGradient.rowLength
            unsafe ImagesLastRowWinograd.backward(
                convolution, images: input.images(ofBlock: block).count,
                input: input.maps(0..<1, ofBlock: block), outputGradient: dy, places: places,
                scratch: scratch, weightGradient: weightGradient, biasGradient: biasGradient)
            guard let target = inputGradient.tensor else { continue }
            let map = scratch.slice(scratchCount - mapFloats..<scratchCount)
            unsafe VectorKernels.current.max_pool_images_gradient(&windows, dy, places, false, map.base)
            unsafe VectorKernels.current.convolve_images_input_gradient(
                &sliding, convolution.output.channels, map.base, weights.values.base,
                inputGradient.isAddition, target.maps(0..<1, ofBlock: block))
        }
    }
}

extension PoolingGeometry {
    /// The rows of the map that these rows of windows see.
    fileprivate func rows(under windows: Range<Int>) -> Range<Int> {
        window(windows.lowerBound, 0).rows.lowerBound..<window(windows.upperBound - 1, 0).rows.upperBound
    }
}

extension MatrixView {
    /// The pixels of one row of a map that is `width` wide.
    fileprivate func row(_ row: Int, _ width: Int) -> FloatView {
        unsafe FloatView(base: rows(row * width..<(row + 1) * width).base, count: width * columns)
    }
}
