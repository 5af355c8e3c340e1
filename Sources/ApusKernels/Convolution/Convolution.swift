/// A convolution's weights, and what its algorithm has made of them.
public struct ConvolutionWeights: Sendable {
    let values: FloatView
    /// Filled by `Convolution.prepare`. Winograd's algorithm wants it; direct products copy less with it.
    let prepared: FloatView?

    public init(_ values: FloatView, prepared: FloatView? = nil) {
        self.values = values
        self.prepared = prepared
    }
}

/// Convolution as matrix products, forward and its three gradients, in any layout.
///
/// Weights lie as the layout wants them: `[output, input, height, width]` when channels are first or images last,
/// `[height, width, input, output]` when channels are last. With `W` the weights of a group as a matrix of
/// output channels by depth when channels are first, of depth by output channels when they are last, and `col`
/// the columns of `Im2col`:
///
///     channels first, an image at a time        channels last, a tile of pixels at a time
///     forward          Y    = W col + b          Y    = col W + b
///     weight gradient  dW  += dY col^T           dW  += col^T dY
///     input gradient   dcol = W^T dY             dcol = dY W^T
///
/// and the input's gradient is `col2im` of dcol. A 1x1 convolution takes the activations for columns. Where images are
/// last there are no matrices: see `ImagesLastConvolution`.
public enum Convolution {
    /// Floats of what an algorithm makes of the weights once, before any image; nil where it makes nothing of them.
    public static func preparedCount(
        _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm
    ) -> Int? {
        switch algorithm {
        case .winograd: Winograd.preparedCount(geometry)
        case .direct where geometry.groups == 1:
            geometry.packedCount
                + DirectProduct.packedCount(
                    rows: geometry.output.channels, columns: geometry.depth)
        default: nil
        }
    }

    /// Prepares the weights for an algorithm that makes something of them; for backward too where asked for.
    public static func prepare(
        _ geometry: ConvolutionGeometry, _ algorithm: ConvolutionAlgorithm, weights: FloatView,
        forBackward: Bool, into prepared: FloatView
    ) {
        precondition(
            weights.count == geometry.weightCount && prepared.count == preparedCount(geometry, algorithm))
        if algorithm == .winograd {
            Winograd.prepare(geometry, weights: weights, forBackward: forBackward, into: prepared)
            return
        }
        let w = weightMatrix(geometry, weights, 0, .channelsLast)
        DirectProduct.pack(w, into: prepared)
        if forBackward {
            DirectProduct.pack(w.transposed, into: prepared.slice(geometry.packedCount..<prepared.count))
        }
    }

    /// Computes the output, or its maximum with zero; `scratch` holds `geometry.scratchCount` floats. Without
    /// `bias` it is zero.
    public static func forward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, bias: FloatView?,
        rectifies: Bool = false, algorithm: ConvolutionAlgorithm, share: Share = .all,
        scratch: FloatView, into output: Tensor
    ) {
        check(geometry, input: input, output: output, weights: weights.values)
        if algorithm == .winograd {
            Winograd.forward(
                geometry, input: input, prepared: weights.prepared!, bias: bias, rectifies: rectifies,
                share: share,
                scratch: scratch, into: output)
            return
        }
        let scratch = scratch.slice(0..<geometry.columnScratch(input.layout))
        switch input.layout {
        case .channelsFirst:
            geometry.forEachGroup(input, output, share) { part, x, y in
                let columns = part.columns(from: x, scratch)
                if let bias { y.fillColumns(with: bias.slice(part.outputChannels)) }
                multiply(
                    weightMatrix(geometry, weights.values, part.group, .channelsFirst), columns, into: y,
                    beta: bias == nil ? 0 : 1)
                if rectifies { y.rectify() }
            }
        case .channelsLast:
            // GEMM's bits may depend on how many rows it is given.
            let rows = algorithm == .gemm ? 1 : output.rows
            let part = share.range(of: rows)
            forward(
                geometry, pixels: part.lowerBound * output.rows / rows..<part.upperBound * output.rows / rows,
                input: input, weights: weights, bias: bias,
                rectifies: rectifies, algorithm: algorithm, scratch: scratch, into: output.matrix)
        case .imagesLast:
            // Blocks of images are not shared: one takes them all.
            guard !share.range(of: 1).isEmpty else { return }
            ImagesLastConvolution.forward(
                geometry, input: input, weights: weights.values, bias: bias, rectifies: rectifies,
                into: output)
        }
    }

    /// Computes a run of the batch's output pixels, channels last; `output` holds them from pixel `origin` on.
    static func forward(
        _ geometry: ConvolutionGeometry, pixels: Range<Int>, input: Tensor, weights: ConvolutionWeights,
        bias: FloatView?, rectifies: Bool, algorithm: ConvolutionAlgorithm, scratch: FloatView,
        into output: MatrixView, from origin: Int = 0
    ) {
        if algorithm == .direct && geometry.hasRows(in: input) {
            geometry.forEachRow(pixels, of: input) { row, windows in
                DirectProduct.multiply(
                    windows, runs: geometry.kernel.height, runStride: geometry.rowStride,
                    geometry.factor(weights, group: 0),
                    into: output.rows(row.lowerBound - origin..<row.upperBound - origin), bias: bias,
                    rectifying: rectifies, scratch: geometry.panel(in: scratch))
            }
            return
        }
        geometry.forEachTile(pixels) { tile in
            let x = input.matrix.columns(tile.inputChannels)
            let columns = tile.columns(from: x, scratch)
            let y = output.rows(tile.rows(from: origin)).columns(tile.outputChannels)
            let bias = bias?.slice(tile.outputChannels)
            if algorithm == .direct {
                DirectProduct.multiply(
                    columns, geometry.factor(weights, group: tile.group), into: y, bias: bias,
                    rectifying: rectifies, scratch: geometry.panel(in: scratch))
            } else {
                if let bias { y.fillRows(with: bias) }
                multiply(
                    columns, weightMatrix(geometry, weights.values, tile.group, .channelsLast), into: y,
                    beta: bias == nil ? 0 : 1)
                if rectifies { y.rectify() }
            }
        }
    }

    /// Adds the gradients of the weights and the bias, and adds or writes that of the input.
    ///
    /// Each part that is nil (or `.discard`) is left out and costs nothing. `input` is read for the weight
    /// gradient, `weights` for the input gradient. `rectifiedOutput` is forward's, if that rectified: where it
    /// is zero, so is the gradient; `scratch` is then that of `scratchCount(_:rectifies: true)`.
    public static func backward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, outputGradient: Tensor,
        rectifiedOutput: Tensor? = nil, algorithm: ConvolutionAlgorithm, scratch: FloatView,
        weightGradient: FloatView?, biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        check(geometry, input: input, output: outputGradient, weights: weights.values)
        if let rectifiedOutput { rectifiedOutput.checkMatches(outputGradient) }
        if algorithm == .winograd {
            inputGradient.clear()
            Winograd.backward(
                geometry, input: input, prepared: weights.prepared!, outputGradient: outputGradient,
                rectifiedOutput: rectifiedOutput, scratch: scratch, weightGradient: weightGradient,
                biasGradient: biasGradient, inputGradient: inputGradient.tensor)
            return
        }
        let maskScratch = scratch.slice(geometry.columnScratch(input.layout)..<scratch.count)
        let scratch = scratch.slice(0..<geometry.columnScratch(input.layout))
        let pointwise = geometry.isPointwise
        let beta: Float = inputGradient.isAddition ? 1 : 0
        switch input.layout {
        case .channelsFirst:
            geometry.forEachGroup(input, outputGradient, .all) { part, x, dy in
                var dy = dy
                if let rectifiedOutput {
                    let y = rectifiedOutput.planes(of: part.image).rows(part.outputChannels)
                    dy = dy.masked(by: y, in: maskScratch)
                }
                if let biasGradient { dy.addRowSums(to: biasGradient.slice(part.outputChannels)) }
                if let weightGradient {
                    let columns = part.columns(from: x, scratch)
                    multiply(
                        dy, columns.transposed,
                        into: weightMatrix(geometry, weightGradient, part.group, .channelsFirst),
                        beta: 1)
                }
                guard let target = inputGradient.tensor else { return }
                let w = weightMatrix(geometry, weights.values, part.group, .channelsFirst)
                let dx = target.planes(of: part.image).rows(part.inputChannels)
                if pointwise {
                    multiply(w.transposed, dy, into: dx, beta: beta)
                } else {
                    multiply(w.transposed, dy, into: Im2col.columns(geometry, in: scratch))
                    Im2col.scatter(geometry, scratch: scratch, into: dx, adding: beta == 1)
                }
            }
        case .channelsLast:
            // Tiles share pixels of the input.
            if !pointwise { inputGradient.clear() }
            backward(
                geometry, pixels: 0..<outputGradient.rows, input: input, weights: weights,
                outputGradient: outputGradient.matrix, rectifiedOutput: rectifiedOutput?.matrix,
                algorithm: algorithm, scratch: scratch, maskScratch: maskScratch,
                weightGradient: weightGradient, biasGradient: biasGradient,
                inputGradient: pointwise ? inputGradient : inputGradient.adding)
        case .imagesLast:
            ImagesLastConvolution.backward(
                geometry, input: input, weights: weights.values, outputGradient: outputGradient,
                rectifiedOutput: rectifiedOutput, scratch: maskScratch, weightGradient: weightGradient,
                biasGradient: biasGradient, inputGradient: inputGradient)
        }
    }

    /// Adds the gradients of a run of the batch's output pixels, channels last, whose own are the rows of
    /// `outputGradient`, which begins with pixel `origin`. Only a 1x1 convolution may overwrite the input's.
    static func backward(
        _ geometry: ConvolutionGeometry, pixels: Range<Int>, input: Tensor, weights: ConvolutionWeights,
        outputGradient: MatrixView, from origin: Int = 0, rectifiedOutput: MatrixView?,
        algorithm: ConvolutionAlgorithm,
        scratch: FloatView, maskScratch: FloatView, weightGradient: FloatView?, biasGradient: FloatView?,
        inputGradient: GradientDestination
    ) {
        func addWeightGradient(_ a: MatrixView, _ dy: MatrixView, into result: MatrixView) {
            if algorithm == .direct {
                DirectProduct.multiply(
                    a, .plain(dy), into: result, adding: true, scratch: geometry.panel(in: scratch))
            } else {
                multiply(a, dy, into: result, beta: 1)
            }
        }
        func inputProduct(_ dy: MatrixView, _ group: Int, into result: MatrixView, adding: Bool) {
            if algorithm == .direct {
                DirectProduct.multiply(
                    dy, geometry.transposedFactor(weights, group: group), into: result, adding: adding,
                    scratch: geometry.panel(in: scratch))
            } else {
                multiply(
                    dy, weightMatrix(geometry, weights.values, group, .channelsLast).transposed,
                    into: result, beta: adding ? 1 : 0)
            }
        }
        geometry.forEachTile(pixels) { tile in
            let rows = tile.rows(from: origin)
            var dy = outputGradient.rows(rows).columns(tile.outputChannels)
            if let rectifiedOutput {
                let y = rectifiedOutput.rows(rows).columns(tile.outputChannels)
                dy = dy.masked(by: y, in: maskScratch)
            }
            if let biasGradient { dy.addColumnSums(to: biasGradient.slice(tile.outputChannels)) }
            if let weightGradient, algorithm == .direct && geometry.hasRows(in: input) {
                let dw = weightMatrix(geometry, weightGradient, 0, .channelsLast)
                geometry.forEachRow(tile.pixels, of: input) { row, windows in
                    let part = dy.rows(
                        row.lowerBound - tile.pixels.lowerBound..<row.upperBound - tile.pixels.lowerBound)
                    for tap in 0..<geometry.kernel.height {
                        unsafe addWeightGradient(
                            windows.offset(by: tap * geometry.rowStride).transposed, part,
                            into: dw.rows(tap * windows.columns..<(tap + 1) * windows.columns))
                    }
                }
            } else if let weightGradient {
                let x = input.matrix.columns(tile.inputChannels)
                addWeightGradient(
                    tile.columns(from: x, scratch).transposed, dy,
                    into: weightMatrix(geometry, weightGradient, tile.group, .channelsLast))
            }
            guard let target = inputGradient.tensor else { return }
            let dx = target.matrix.columns(tile.inputChannels)
            if geometry.isPointwise {
                inputProduct(
                    dy, tile.group, into: dx.rows(tile.pixels), adding: inputGradient.isAddition)
            } else {
                let columns = scratch.matrix(rows: dy.rows, columns: geometry.depth)
                inputProduct(dy, tile.group, into: columns, adding: false)
                tile.scatterAdd(columns, into: dx)
            }
        }
    }

    private static func check(
        _ geometry: ConvolutionGeometry, input: Tensor, output: Tensor, weights: FloatView
    ) {
        precondition(
            input.shape == geometry.input && output.shape == geometry.output
                && input.batch == output.batch && input.layout == output.layout
                && weights.count == geometry.weightCount)
    }

    fileprivate static func weightMatrix(
        _ geometry: ConvolutionGeometry, _ weights: FloatView, _ group: Int, _ layout: Layout
    ) -> MatrixView {
        let channels = geometry.outputChannels(of: group)
        return switch layout {
        case .channelsFirst, .imagesLast:
            weights.matrix(rows: geometry.output.channels, columns: geometry.depth).rows(channels)
        case .channelsLast:
            weights.matrix(rows: geometry.depth, columns: geometry.output.channels).columns(channels)
        }
    }
}

/// One image and one group of its channels, channels first.
private struct Part {
    let geometry: ConvolutionGeometry
    let image: Int
    let group: Int

    var inputChannels: Range<Int> { geometry.inputChannels(of: group) }
    var outputChannels: Range<Int> { geometry.outputChannels(of: group) }

    /// The column matrix of `x`, the group's planes: `x` itself for a 1x1 convolution.
    func columns(from x: MatrixView, _ scratch: FloatView) -> MatrixView {
        if geometry.isPointwise { return x }
        Im2col.gather(geometry, from: x, scratch: scratch)
        return Im2col.columns(geometry, in: scratch)
    }
}

/// A run of output pixels of a batch and one group of their channels, channels last.
private struct Tile {
    let geometry: ConvolutionGeometry
    let group: Int
    /// Counted through all images.
    let pixels: Range<Int>

    var inputChannels: Range<Int> { geometry.inputChannels(of: group) }
    var outputChannels: Range<Int> { geometry.outputChannels(of: group) }

    /// Its pixels, counted from pixel `origin` on.
    func rows(from origin: Int) -> Range<Int> { pixels.lowerBound - origin..<pixels.upperBound - origin }

    /// The column matrix of `x`, the group's part of the batch: rows of `x` itself for a 1x1 convolution.
    func columns(from x: MatrixView, _ scratch: FloatView) -> MatrixView {
        if geometry.isPointwise { return x.rows(pixels) }
        let columns = scratch.matrix(rows: pixels.count, columns: geometry.depth)
        forEachImage { rows, first, image in
            Im2col.gather(geometry, from: x.rows(image), firstPixel: first, into: columns.rows(rows))
        }
        return columns
    }

    /// Adds columns to the pixels of `dx` they belong to.
    func scatterAdd(_ columns: MatrixView, into dx: MatrixView) {
        forEachImage { rows, first, image in
            Im2col.scatterAdd(geometry, from: columns.rows(rows), firstPixel: first, into: dx.rows(image))
        }
    }

    /// Calls `body` for each image with its rows of the tile, the first of their pixels, and its rows of the
    /// input.
    private func forEachImage(
        _ body: (_ rows: Range<Int>, _ firstPixel: Int, _ image: Range<Int>) -> Void
    ) {
        let (outputs, inputs) = (geometry.output.pixels, geometry.input.pixels)
        var start = pixels.lowerBound
        while start < pixels.upperBound {
            let image = start / outputs
            let end = min((image + 1) * outputs, pixels.upperBound)
            body(
                start - pixels.lowerBound..<end - pixels.lowerBound, start - image * outputs,
                image * inputs..<(image + 1) * inputs)
            start = end
        }
    }
}

// The weights as direct products read them.
extension ConvolutionGeometry {
    fileprivate var packedCount: Int { DirectProduct.packedCount(rows: depth, columns: output.channels) }

    fileprivate func factor(_ weights: ConvolutionWeights, group: Int) -> DirectProduct.SecondFactor {
        guard let prepared = weights.prepared else {
            return .plain(Convolution.weightMatrix(self, weights.values, group, .channelsLast))
        }
        return .packed(prepared, rows: depth, columns: output.channels)
    }

    /// For the input's gradient.
    fileprivate func transposedFactor(
        _ weights: ConvolutionWeights, group: Int
    ) -> DirectProduct.SecondFactor {
        guard let prepared = weights.prepared else {
            return .plain(Convolution.weightMatrix(self, weights.values, group, .channelsLast).transposed)
        }
        return .packed(
            prepared.slice(packedCount..<prepared.count), rows: output.channels, columns: depth)
    }
}

// Windows that lie inside the image: where channels are last, each of their rows is a run of floats, and the windows of
// a row of output pixels are equally far from each other. Products read them where they are.
extension ConvolutionGeometry {
    /// Floats from a row of the image to the next that a window shows.
    fileprivate var rowStride: Int { dilation.height * input.width * input.channels }

    /// Whether the windows are rows of memory.
    fileprivate func hasRows(in input: Tensor) -> Bool {
        !isPointwise && padding == Extent(0) && dilation.width == 1 && groups == 1
            && input.rowStride == input.shape.channels && depth <= DirectProduct.greatestRunDepth
            && padded == Extent(height: self.input.height, width: self.input.width)
    }

    /// Calls `body` with each run of output pixels that lie in one row, and the first row of their windows: a matrix
    /// of pixels by floats, whose rows overlap where windows do.
    @inline(__always)
    fileprivate func forEachRow(
        _ pixels: Range<Int>, of input: Tensor, _ body: (_ pixels: Range<Int>, _ windows: MatrixView) -> Void
    ) {
        var start = pixels.lowerBound
        while start < pixels.upperBound {
            let (row, column) = start.quotientAndRemainder(dividingBy: output.width)
            let end = min((row + 1) * output.width, pixels.upperBound)
            let (image, y) = row.quotientAndRemainder(dividingBy: output.height)
            let pixel =
                (image * self.input.height + y * stride.height) * self.input.width + column * stride.width
            let windows = unsafe MatrixView(
                base: input.base + pixel * input.rowStride, rows: end - start,
                columns: kernel.width * self.input.channels,
                leadingDimension: stride.width * self.input.channels)
            body(start..<end, windows)
            start = end
        }
    }

    func inputChannels(of group: Int) -> Range<Int> {
        group * groupInputChannels..<(group + 1) * groupInputChannels
    }

    func outputChannels(of group: Int) -> Range<Int> {
        group * groupOutputChannels..<(group + 1) * groupOutputChannels
    }

    /// Calls `body` for a share of the groups of all images, channels first, with their planes of input and output.
    @inline(__always)
    fileprivate func forEachGroup(
        _ input: Tensor, _ output: Tensor, _ share: Share,
        _ body: (_ part: Part, _ x: MatrixView, _ y: MatrixView) -> Void
    ) {
        for place in share.range(of: input.batch * groups) {
            let part = Part(geometry: self, image: place / groups, group: place % groups)
            body(
                part, input.planes(of: part.image).rows(part.inputChannels),
                output.planes(of: part.image).rows(part.outputChannels))
        }
    }

    /// Calls `body` for each tile of a run of output pixels and each group, channels last.
    @inline(__always)
    fileprivate func forEachTile(_ pixels: Range<Int>, _ body: (Tile) -> Void) {
        let tiles = (pixels.count + tilePixels - 1) / tilePixels
        let alike = (pixels.count + tiles - 1) / max(tiles, 1)
        for first in Swift.stride(from: pixels.lowerBound, to: pixels.upperBound, by: max(alike, 1)) {
            let end = min(first + alike, pixels.upperBound)
            for group in 0..<groups {
                body(Tile(geometry: self, group: group, pixels: first..<end))
            }
        }
    }
}
