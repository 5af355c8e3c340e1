// How a convolution is divided into products of matrices.

/// One image and one group of its channels, channels first.
struct ConvolutionPart {
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
struct ConvolutionTile {
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
            Im2col.gather(
                geometry, from: x.rows(geometry.inputPixels(of: image)), firstPixel: first,
                into: columns.rows(rows))
        }
        return columns
    }

    /// Adds columns to the pixels of `dx` they belong to.
    func scatterAdd(_ columns: MatrixView, into dx: MatrixView) {
        forEachImage { rows, first, image in
            Im2col.scatterAdd(
                geometry, from: columns.rows(rows), firstPixel: first,
                into: dx.rows(geometry.inputPixels(of: image)))
        }
    }

    /// Calls `body` for each image with its rows of the tile and the first of their pixels.
    func forEachImage(_ body: (_ rows: Range<Int>, _ firstPixel: Int, _ image: Int) -> Void) {
        let outputs = geometry.output.pixels
        var start = pixels.lowerBound
        while start < pixels.upperBound {
            let image = start / outputs
            let end = min((image + 1) * outputs, pixels.upperBound)
            body(
                start - pixels.lowerBound..<end - pixels.lowerBound, start - image * outputs, image)
            start = end
        }
    }
}

// Windows that lie inside the image: where channels are last, each of their rows is a run of floats, and the windows of
// a row of output pixels are equally far from each other. Products read them where they are.
extension ConvolutionGeometry {
    /// Floats from a row of the image to the next that a window shows.
    var rowStride: Int { dilation.height * input.width * input.channels }

    /// Whether the windows are rows of memory.
    func hasRows(in input: Tensor) -> Bool {
        !isPointwise && padding == Extent(0) && dilation.width == 1 && groups == 1
            && input.rowStride == input.shape.channels && depth <= DirectProduct.greatestRunDepth
            && padded == Extent(height: self.input.height, width: self.input.width)
    }

    /// Calls `body` with each run of output pixels that lie in one row, and the first row of their windows: a matrix
    /// of pixels by floats, whose rows overlap where windows do.
    @inline(__always)
    func forEachRow(
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

    /// The rows of an image in the input of a batch, channels last.
    func inputPixels(of image: Int) -> Range<Int> { image * input.pixels..<(image + 1) * input.pixels }

    func inputChannels(of group: Int) -> Range<Int> {
        group * groupInputChannels..<(group + 1) * groupInputChannels
    }

    func outputChannels(of group: Int) -> Range<Int> {
        group * groupOutputChannels..<(group + 1) * groupOutputChannels
    }

    /// Calls `body` for a share of the groups of all images, channels first, with their planes of input and output.
    @inline(__always)
    func forEachGroup(
        _ input: Tensor, _ output: Tensor, _ share: Share,
        _ body: (_ part: ConvolutionPart, _ x: MatrixView, _ y: MatrixView) -> Void
    ) {
        for place in share.range(of: input.batch * groups) {
            let part = ConvolutionPart(geometry: self, image: place / groups, group: place % groups)
            body(
                part, input.planes(of: part.image).rows(part.inputChannels),
                output.planes(of: part.image).rows(part.outputChannels))
        }
    }

    /// Calls `body` for each tile of a run of output pixels and each group, channels last.
    @inline(__always)
    func forEachTile(_ pixels: Range<Int>, _ body: (ConvolutionTile) -> Void) {
        let tiles = (pixels.count + tilePixels - 1) / tilePixels
        let alike = (pixels.count + tiles - 1) / max(tiles, 1)
        for first in Swift.stride(from: pixels.lowerBound, to: pixels.upperBound, by: max(alike, 1)) {
            let end = min(first + alike, pixels.upperBound)
            for group in 0..<groups {
                body(ConvolutionTile(geometry: self, group: group, pixels: first..<end))
            }
        }
    }
}
