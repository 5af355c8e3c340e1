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
    /// Computes the output, or its maximum with zero; `scratch` holds `geometry.scratchCount` floats, of the algorithm. Without
    /// `bias` it is zero.
    public static func forward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, bias: FloatView?,
        rectifies: Bool = false, algorithm: ConvolutionAlgorithm, share: Share = .all,
        scratch: FloatView, into output: Tensor
    ) {
        check(geometry, input: input, output: output, weights: weights.values)
        if algorithm == .winograd {
            Winograd.forward(
                geometry, input: input, weights: weights, bias: bias, rectifies: rectifies,
                share: share,
                scratch: scratch, into: output)
            return
        }
        let scratch = scratch.slice(0..<geometry.algorithmScratch(input.layout, algorithm))
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
            let whole = share.hasWhole ? 0..<output.rows : 0..<0
            forward(
                geometry, pixels: algorithm == .gemm ? whole : share.range(of: output.rows),
                input: input, weights: weights, bias: bias,
                rectifies: rectifies, algorithm: algorithm, scratch: scratch, into: output.matrix)
        case .imagesLast:
            // Blocks of images are not shared: one takes them all.
            guard share.hasWhole else { return }
            ImagesLastConvolution.forward(
                geometry, input: input, weights: weights, bias: bias, rectifies: rectifies,
                algorithm: algorithm, scratch: scratch, into: output)
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
                    weights.factor(geometry, channels: 0..<geometry.output.channels),
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
                directProduct(
                    geometry, columns, weights, channels: tile.outputChannels, into: y, bias: bias,
                    rectifies: rectifies, scratch: scratch)
            } else {
                if let bias { y.fillRows(with: bias) }
                multiply(
                    columns, weightMatrix(geometry, weights.values, tile.group, .channelsLast), into: y,
                    beta: bias == nil ? 0 : 1)
                if rectifies { y.rectify() }
            }
        }
    }

    /// Computes channels of one group, channels last, from the columns that were lowered; `bias` is theirs.
    static func directProduct(
        _ geometry: ConvolutionGeometry, _ columns: MatrixView, _ weights: ConvolutionWeights,
        channels: Range<Int>, into output: MatrixView, bias: FloatView?, rectifies: Bool, scratch: FloatView
    ) {
        let factor = weights.factor(geometry, channels: channels)
        if multiplyLeavingOutZeros(
            geometry, columns, factor, into: output, bias: bias, rectifying: rectifies, scratch: scratch)
        {
            return
        }
        DirectProduct.multiply(
            columns, factor, into: output, bias: bias, rectifying: rectifies,
            scratch: geometry.panel(in: scratch))
    }

    /// Adds the gradient of the bias, adds or, unless `addingToWeights`, writes that of the weights, and adds or writes that of the
    /// input.
    ///
    /// Each part that is nil (or `.discard`) is left out and costs nothing. `input` is read for the weight
    /// gradient, `weights` for the input gradient. `rectifiedOutput` is forward's, if that rectified: where it
    /// is zero, so is the gradient; `scratch` is then that of `scratchCount` with `rectifies`. With `isInputRectified` the
    /// input gradient, with what it is added to, is set to zero where the input is not above zero; only if `geometry.canMaskInput`.
    public static func backward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, outputGradient: Tensor,
        rectifiedOutput: Tensor? = nil, isInputRectified: Bool = false, algorithm: ConvolutionAlgorithm,
        scratch: FloatView, weightGradient: FloatView?, addingToWeights: Bool = true,
        biasGradient: FloatView?, inputGradient: GradientDestination
    ) {
        precondition(!isInputRectified || geometry.canMaskInput(input.layout, algorithm))
        check(geometry, input: input, output: outputGradient, weights: weights.values)
        if let rectifiedOutput { rectifiedOutput.checkMatches(outputGradient) }
        if algorithm == .winograd {
            inputGradient.clear()
            Winograd.backward(
                geometry, input: input, weights: weights, outputGradient: outputGradient,
                rectifiedOutput: rectifiedOutput, scratch: scratch, weightGradient: weightGradient,
                addingToWeights: addingToWeights, biasGradient: biasGradient,
                inputGradient: inputGradient.tensor)
            return
        }
        // Where images are last it depends on the algorithm.
        if !addingToWeights && input.layout != .imagesLast { weightGradient?.fill(0) }
        let maskScratch = scratch.slice(geometry.algorithmScratch(input.layout, algorithm)..<scratch.count)
        let scratch = scratch.slice(0..<geometry.algorithmScratch(input.layout, algorithm))
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
                isInputRectified: isInputRectified,
                algorithm: algorithm, scratch: scratch, maskScratch: maskScratch,
                weightGradient: weightGradient, biasGradient: biasGradient,
                inputGradient: pointwise ? inputGradient : inputGradient.adding)
        case .imagesLast:
            ImagesLastConvolution.backward(
                geometry, input: input, weights: weights, outputGradient: outputGradient,
                rectifiedOutput: rectifiedOutput, algorithm: algorithm, scratch: scratch,
                maskScratch: maskScratch, weightGradient: weightGradient, addingToWeights: addingToWeights,
                biasGradient: biasGradient, inputGradient: inputGradient)
        }
    }

    /// Adds the gradients of a run of the batch's output pixels, channels last, whose own are the rows of
    /// `outputGradient`, which begins with pixel `origin`. Only a 1x1 convolution may overwrite the input's.
    static func backward(
        _ geometry: ConvolutionGeometry, pixels: Range<Int>, input: Tensor, weights: ConvolutionWeights,
        outputGradient: MatrixView, from origin: Int = 0, rectifiedOutput: MatrixView?,
        isInputRectified: Bool = false,
        algorithm: ConvolutionAlgorithm,
        scratch: FloatView, maskScratch: FloatView, weightGradient: FloatView?, biasGradient: FloatView?,
        inputGradient: GradientDestination
    ) {
        func addWeightGradient(
            _ a: MatrixView, _ dy: MatrixView, into result: MatrixView, continuing: Bool = false
        ) {
            if algorithm == .direct {
                if multiplyLeavingOutZeros(
                    geometry, a, .plain(dy), into: result, adding: true, scratch: scratch)
                {
                    return
                }
                if !geometry.hasWideWeights {
                    DirectProduct.multiply(
                        a, .plain(dy), into: result, adding: true, continuing: continuing,
                        scratch: geometry.panel(in: scratch))
                    return
                }
            }
            multiply(a, dy, into: result, beta: 1)
        }
        func inputProduct(
            _ dy: MatrixView, _ group: Int, into result: MatrixView, adding: Bool, mask: MatrixView? = nil
        ) {
            guard algorithm == .direct else {
                let w = weightMatrix(geometry, weights.values, group, .channelsLast)
                multiply(dy, w.transposed, into: result, beta: adding ? 1 : 0)
                return
            }
            let factor = weights.transposedFactor(geometry, group: group)
            if multiplyLeavingOutZeros(
                geometry, dy, factor, into: result, adding: adding, scratch: scratch)
            {
                return
            }
            DirectProduct.multiply(
                dy, factor, into: result, adding: adding, mask: mask, scratch: geometry.panel(in: scratch))
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
                    into: weightMatrix(geometry, weightGradient, tile.group, .channelsLast),
                    continuing: geometry.isPointwise && tile.pixels.upperBound < pixels.upperBound)
            }
            guard let target = inputGradient.tensor else { return }
            let dx = target.matrix.columns(tile.inputChannels)
            if geometry.isPointwise {
                inputProduct(
                    dy, tile.group, into: dx.rows(tile.pixels), adding: inputGradient.isAddition,
                    mask: isInputRectified
                        ? input.matrix.columns(tile.inputChannels).rows(tile.pixels) : nil)
            } else {
                let columns = scratch.matrix(rows: dy.rows, columns: geometry.depth)
                inputProduct(dy, tile.group, into: columns, adding: false)
                tile.scatterAdd(columns, into: dx)
            }
        }
    }

    /// A product of a convolution with wide weights, if enough of `a` is zero; if not, nothing is done.
    private static func multiplyLeavingOutZeros(
        _ geometry: ConvolutionGeometry, _ a: MatrixView, _ b: DirectProduct.SecondFactor,
        into result: MatrixView, adding: Bool = false, bias: FloatView? = nil, rectifying: Bool = false,
        scratch: FloatView
    ) -> Bool {
        geometry.hasWideWeights
            && SparseProduct.multiply(
                a, b, into: result, adding: adding, bias: bias, rectifying: rectifying, scratch: scratch)
    }

    private static func check(
        _ geometry: ConvolutionGeometry, input: Tensor, output: Tensor, weights: FloatView
    ) {
        precondition(
            input.shape == geometry.input && output.shape == geometry.output
                && input.batch == output.batch && input.layout == output.layout
                && weights.count == geometry.weightCount)
    }

    static func weightMatrix(
        _ geometry: ConvolutionGeometry, _ weights: FloatView, _ group: Int, _ layout: Layout
    ) -> MatrixView {
        let channels = geometry.outputChannels(of: group)
        return switch layout {
        case .channelsFirst, .imagesLast:
            weights.matrix(rows: geometry.output.channels, columns: geometry.depth).rows(channels)
        case .channelsLast:
            weightMatrix(geometry, weights, channels: channels)
        }
    }

    /// Depth by some output channels of one group, channels last.
    static func weightMatrix(
        _ geometry: ConvolutionGeometry, _ weights: FloatView, channels: Range<Int>
    ) -> MatrixView {
        weights.matrix(rows: geometry.depth, columns: geometry.output.channels).columns(channels)
    }
}
