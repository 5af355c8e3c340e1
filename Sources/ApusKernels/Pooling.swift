import CVectorKernels

/// Maximum and average pooling and their gradients, in any layout.
public enum Pooling {
    /// Bytes of indices that `maximum` keeps for one image: one for each output element.
    public static func indexBytes(_ geometry: PoolingGeometry) -> Int { geometry.output.count }

    /// Writes the maximum of each window, and to `indices` its place in the window: row times kernel width
    /// plus column. Among equals the first counts; the first NaN wins.
    ///
    /// Where `maskingRectified` the input is a ReLU's output, and the gradient that follows is that of the ReLU's input:
    /// a window without anything above zero has no place. Not so with channels first, nor with windows of 16x16.
    ///
    /// - Parameter keepsIndices: whether a gradient follows; without, channels last, `indices` are left as they are.
    package static func maximum(
        _ geometry: PoolingGeometry, input: Tensor, share: Share = .all, maskingRectified: Bool = false,
        indices: ByteView, keepsIndices: Bool = true, into output: Tensor
    ) {
        check(geometry, input: input, output: output)
        let bytes = output.layout.floats(batch: output.batch, output.shape)
        precondition(indices.count >= bytes && geometry.kernel.height * geometry.kernel.width <= 256)
        precondition(!maskingRectified || geometry.canMask(input.layout))
        if input.layout == .imagesLast {
            guard share.hasWhole else { return }
            maximumOfImages(geometry, input, maskingRectified, indices, output)
            return
        }
        if geometry.isHalving && input.layout == .channelsFirst {
            halve(geometry, input, share, indices, output)
            return
        }
        if input.layout == .channelsLast {
            var sliding = geometry.sliding
            let height = geometry.output.height
            let rows = share.range(of: input.batch * height)
            for image in rows.lowerBound / height..<(rows.upperBound + height - 1) / height {
                let part = rows.clamped(to: image * height..<(image + 1) * height)
                let place = part.lowerBound * geometry.output.width
                unsafe VectorKernels.current.max_pool_last(
                    &sliding, part.lowerBound - image * height, part.count,
                    input.base + image * input.blockStride, input.rowStride, maskingRectified,
                    output.base + place * output.rowStride, output.rowStride,
                    keepsIndices ? indices.base + place * geometry.output.channels : nil)
            }
            return
        }
        forEachWindow(geometry, input, output, share) { window, image, place in
            let source = unsafe input.base + image * input.blockStride
            let target = unsafe output.base + image * output.blockStride + place * output.pixelStride
            let index = unsafe indices.base + image * geometry.output.count
            for channel in 0..<geometry.input.channels {
                var best = -Float.infinity
                var bestPlace = 0
                var isFirst = true
                for y in window.rows {
                    for x in window.columns {
                        let value = unsafe source[
                            (y * geometry.input.width + x) * input.pixelStride
                                + channel * input.channelStride]
                        if isFirst || value > best || value.isNaN && !best.isNaN {
                            best = value
                            bestPlace = (y - window.top) * geometry.kernel.width + x - window.left
                            isFirst = false
                        }
                    }
                }
                unsafe target[channel * output.channelStride] = best
                unsafe index[channel * geometry.output.pixels + place] =
                    UInt8(truncatingIfNeeded: bestPlace)
            }
        }
    }

    /// Sends each output's gradient to the place of its window's maximum.
    package static func maximumGradient(
        _ geometry: PoolingGeometry, outputGradient: Tensor, indices: ByteView,
        inputGradient: GradientDestination
    ) {
        guard let target = inputGradient.tensor else { return }
        check(geometry, input: target, output: outputGradient)
        if target.layout == .imagesLast {
            maximumGradientOfImages(geometry, outputGradient, indices, inputGradient.isAddition, target)
            return
        }
        if geometry.isHalving && target.layout == .channelsFirst && !inputGradient.isAddition {
            unhalve(geometry, outputGradient, indices, target)
            return
        }
        if target.layout == .channelsLast {
            var sliding = geometry.sliding
            for image in 0..<target.batch {
                unsafe VectorKernels.current.max_pool_last_gradient(
                    &sliding, 0, geometry.input.height,
                    outputGradient.base + image * outputGradient.blockStride, outputGradient.rowStride,
                    indices.base + image * geometry.output.count,
                    inputGradient.isAddition, target.base + image * target.blockStride, target.rowStride)
            }
            return
        }
        inputGradient.clear()
        forEachWindow(geometry, target, outputGradient) { window, image, place in
            let sums = unsafe target.base + image * target.blockStride
            let source =
                unsafe outputGradient.base + image * outputGradient.blockStride
                + place * outputGradient.pixelStride
            let index = unsafe indices.base + image * geometry.output.count
            for channel in 0..<geometry.input.channels {
                let bestPlace = unsafe Int(index[channel * geometry.output.pixels + place])
                let y = window.top + bestPlace / geometry.kernel.width
                let x = window.left + bestPlace % geometry.kernel.width
                unsafe sums[
                    (y * geometry.input.width + x) * target.pixelStride + channel * target.channelStride] +=
                    source[channel * outputGradient.channelStride]
            }
        }
    }

    /// Writes the mean of each window; `countsPadding` counts the zeros around the image too.
    public static func average(
        _ geometry: PoolingGeometry, countsPadding: Bool, input: Tensor, into output: Tensor
    ) {
        check(geometry, input: input, output: output)
        if input.layout == .imagesLast {
            averageOfImages(geometry, countsPadding, input, output)
            return
        }
        if input.layout == .channelsLast {
            forEachWindow(geometry, input, output) { window, image, place in
                let pixel = image * geometry.output.pixels + place
                let sums = unsafe FloatView(
                    base: output.base + pixel * output.rowStride, count: geometry.output.channels)
                sums.fill(0)
                for row in window.pixelRows(geometry.input, image: image) {
                    input.matrix.rows(row).addColumnSums(to: sums)
                }
                let scale = 1 / Float(geometry.divisor(window, countsPadding: countsPadding))
                for channel in 0..<sums.count { unsafe sums.base[channel] *= scale }
            }
            return
        }
        forEachWindow(geometry, input, output) { window, image, place in
            let source = unsafe input.base + image * input.blockStride
            let target = unsafe output.base + image * output.blockStride + place * output.pixelStride
            let scale = 1 / Float(geometry.divisor(window, countsPadding: countsPadding))
            for channel in 0..<geometry.input.channels {
                var sum: Float = 0
                for y in window.rows {
                    for x in window.columns {
                        unsafe sum +=
                            source[
                                (y * geometry.input.width + x) * input.pixelStride
                                    + channel * input.channelStride]
                    }
                }
                unsafe target[channel * output.channelStride] = sum * scale
            }
        }
    }

    /// Spreads each output's gradient evenly over its window.
    public static func averageGradient(
        _ geometry: PoolingGeometry, countsPadding: Bool, outputGradient: Tensor,
        inputGradient: GradientDestination
    ) {
        guard let target = inputGradient.tensor else { return }
        check(geometry, input: target, output: outputGradient)
        if target.layout == .imagesLast {
            averageGradientOfImages(
                geometry, countsPadding, outputGradient, inputGradient.isAddition, target)
            return
        }
        inputGradient.clear()
        forEachWindow(geometry, target, outputGradient) { window, image, place in
            let sums = unsafe target.base + image * target.blockStride
            let source =
                unsafe outputGradient.base + image * outputGradient.blockStride
                + place * outputGradient.pixelStride
            let scale = 1 / Float(geometry.divisor(window, countsPadding: countsPadding))
            if target.layout == .channelsLast {
                for pixel in window.pixelRows(geometry.input, image: 0).joined() {
                    let sums = unsafe sums + pixel * target.rowStride
                    for channel in 0..<geometry.input.channels {
                        unsafe sums[channel] += source[channel] * scale
                    }
                }
                return
            }
            for channel in 0..<geometry.input.channels {
                let share = unsafe source[channel * outputGradient.channelStride] * scale
                for y in window.rows {
                    for x in window.columns {
                        unsafe sums[
                            (y * geometry.input.width + x) * target.pixelStride
                                + channel * target.channelStride] += share
                    }
                }
            }
        }
    }

    private static func check(_ geometry: PoolingGeometry, input: Tensor, output: Tensor) {
        precondition(
            input.shape == geometry.input && output.shape == geometry.output
                && input.batch == output.batch && input.layout == output.layout)
    }

    /// Calls `body` with each window, its image and the number of its output pixel.
    @inline(__always)
    private static func forEachWindow(
        _ geometry: PoolingGeometry, _ input: Tensor, _ output: Tensor, _ share: Share = .all,
        _ body: (_ window: PoolingGeometry.Window, _ image: Int, _ place: Int) -> Void
    ) {
        for image in share.range(of: input.batch) {
            for outputY in 0..<geometry.output.height {
                for outputX in 0..<geometry.output.width {
                    body(
                        geometry.window(outputY, outputX), image,
                        outputY * geometry.output.width + outputX)
                }
            }
        }
    }
}

extension PoolingGeometry {
    var sliding: apus_pooling {
        apus_pooling(
            channels: input.channels, input_height: input.height, input_width: input.width,
            output_height: output.height, output_width: output.width, kernel_height: kernel.height,
            kernel_width: kernel.width, stride_height: stride.height, stride_width: stride.width,
            padding_height: padding.height, padding_width: padding.width)
    }

    /// Whether `Pooling.maximum` can leave out what a ReLU before it stopped.
    package func canMask(_ layout: Layout) -> Bool {
        layout != .channelsFirst && kernel.height * kernel.width <= 255
    }

    /// Windows of 2x2 side by side that cover the image, four or more in a row.
    fileprivate var isHalving: Bool { isTwoByTwo && output.width >= 4 }
}

extension Pooling {
    // Planes follow each other in an image, and with an even height so do their pairs of rows. Places lie in
    // the planes' order.

    private static func halve(
        _ geometry: PoolingGeometry, _ input: Tensor, _ share: Share, _ places: ByteView, _ output: Tensor
    ) {
        let rows = geometry.output.height * geometry.output.channels
        for image in share.range(of: input.batch) {
            unsafe VectorKernels.current.max_pool_2x2(
                rows, geometry.output.width, input.base + image * input.rowStride,
                output.base + image * output.rowStride, places.base + image * geometry.output.count)
        }
    }

    private static func unhalve(
        _ geometry: PoolingGeometry, _ outputGradient: Tensor, _ places: ByteView, _ target: Tensor
    ) {
        let rows = geometry.output.height * geometry.output.channels
        for image in 0..<target.batch {
            unsafe VectorKernels.current.max_pool_2x2_gradient(
                rows, geometry.output.width, outputGradient.base + image * outputGradient.rowStride,
                places.base + image * geometry.output.count, target.base + image * target.rowStride)
        }
    }
}
