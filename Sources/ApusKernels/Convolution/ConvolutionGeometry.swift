/// The geometry of a 2-D convolution: what slides over what, and the matrices it is lowered to.
///
/// With padded input `x`, output pixel (y, x) of channel o is
/// `bias[o] + sum over c, i, j of weight[o, c, i, j] * x[c, y*stride + i*dilation, x*stride + j*dilation]`.
/// The output has `(extent + paddings - dilation * (kernel - 1) - 1) / stride + 1` rows or columns, rounded
/// down (Dumoulin and Visin, 2016, "A guide to convolution arithmetic for deep learning").
public struct ConvolutionGeometry: Hashable, Sendable {
    /// Height and width apart.
    public struct Extent: Hashable, Sendable {
        public var height: Int
        public var width: Int
        public init(height: Int, width: Int) {
            self.height = height
            self.width = width
        }
        public init(_ both: Int) { self.init(height: both, width: both) }
    }

    public let input: Shape
    public let output: Shape
    public let kernel: Extent
    public let stride: Extent
    public let dilation: Extent
    /// Zeros above and left of the input; those below and right follow from the output's extent.
    public let padding: Extent
    public let groups: Int

    /// Callers check with `outputExtent` that the kernel fits; a geometry that does not is a programmer's
    /// error.
    public init(
        input: Shape, output: Shape, kernel: Extent, stride: Extent = Extent(1),
        dilation: Extent = Extent(1), padding: Extent = Extent(0), groups: Int = 1
    ) {
        precondition(groups > 0 && input.channels % groups == 0 && output.channels % groups == 0)
        precondition(input.count > 0 && output.count > 0 && padding.height >= 0 && padding.width >= 0)
        for extent in [kernel, stride, dilation] { precondition(extent.height > 0 && extent.width > 0) }
        self.input = input
        self.output = output
        self.kernel = kernel
        self.stride = stride
        self.dilation = dilation
        self.padding = padding
        self.groups = groups
    }

    /// Rows or columns of output, or nil where the kernel does not fit.
    public static func outputExtent(
        input: Int, kernel: Int, stride: Int, dilation: Int, paddings: Int
    ) -> Int? {
        let room = input + paddings - dilation * (kernel - 1) - 1
        return room < 0 ? nil : room / stride + 1
    }

    var groupInputChannels: Int { input.channels / groups }
    var groupOutputChannels: Int { output.channels / groups }
    var taps: Int { kernel.height * kernel.width }

    /// Weights of one output channel: the depth of the products.
    public var depth: Int { groupInputChannels * taps }

    /// Weights of all output channels.
    public var weightCount: Int { output.channels * depth }

    /// Multiply-adds of one image.
    public var multiplyAdds: Int { output.pixels * weightCount }

    /// Tiles of 4x4 pixels that cover an image of output, as Winograd's algorithms take them.
    var outputTiles: Int { (output.height + 3) / 4 * ((output.width + 3) / 4) }

    /// Whether Winograd's algorithms for 5x5 kernels can compute it.
    var isFiveByFive: Bool {
        kernel == Extent(5) && stride == Extent(1) && dilation == Extent(1) && groups == 1
    }

    /// The taps of all output pixels, of a pair of channels, with stride and dilation 1, but for those on padding: the loops that
    /// lower nothing do not multiply these.
    var shownTaps: Int {
        func taps(_ output: Int, _ input: Int, _ padding: Int, _ kernel: Int) -> Int {
            (0..<output).reduce(0) {
                $0 + max(0, min($1 - padding + kernel, input) - max($1 - padding, 0))
            }
        }
        return taps(output.height, input.height, padding.height, kernel.height)
            * taps(output.width, input.width, padding.width, kernel.width)
    }

    /// A 1x1 convolution multiplies the activations themselves.
    var isPointwise: Bool {
        taps == 1 && stride == Extent(1) && padding == Extent(0) && input.pixels == output.pixels
    }

    /// The most output pixels lowered at a time when channels are last, of one image or several: columns and outputs
    /// of at most half a megabyte each, so that they stay in the second-level cache. A 1x1 convolution, which has no
    /// columns, takes no fewer than the reading of its weights is worth.
    package var tilePixels: Int {
        max(isPointwise ? 384 : 64, (1 << 17) / max(depth, groupOutputChannels) / 16 * 16)
    }

    /// Whether there are so many channels on both sides of a 1x1 convolution that direct products leave out the zeros of their
    /// first operand, where it has many, and that the gradient of the weights else goes to OpenBLAS, which copies both.
    var hasWideWeights: Bool { isPointwise && min(depth, groupOutputChannels) >= 256 }

    /// Whether `Convolution.backward` can mask the input gradient: products of our own do while they write it, each element once, but
    /// not those that leave out zeros.
    package func canMaskInput(_ layout: Layout, _ algorithm: ConvolutionAlgorithm) -> Bool {
        layout == .channelsLast && algorithm == .direct && isPointwise && !hasWideWeights
    }

    /// The input with all its zeros around it.
    var padded: Extent {
        Extent(
            height: max(
                padding.height + input.height,
                (output.height - 1) * stride.height + dilation.height * (kernel.height - 1) + 1),
            width: max(
                padding.width + input.width,
                (output.width - 1) * stride.width + dilation.width * (kernel.width - 1) + 1))
    }

    /// Floats of one group's padded planes, with room to read beyond.
    var paddedPlanes: Int { groupInputChannels * padded.height * padded.width + Im2col.chunk }

    /// Floats of one group's column matrix when channels are first, with room on either side.
    var columnFloats: Int { depth * output.pixels + 2 * Im2col.chunk }

    /// Floats of scratch a convolution in `layout` needs beside its tensors.
    ///
    /// - Parameter rectifies: whether a ReLU follows, whose gradient takes room for a tile of the output's.
    public func scratchCount(
        _ layout: Layout, algorithm: ConvolutionAlgorithm, rectifies: Bool = false
    ) -> Int {
        if algorithm == .winograd { return Winograd.scratchCount(self) }
        let columns = algorithmScratch(layout, algorithm)
        guard rectifies else { return columns }
        return switch layout {
        case .channelsFirst: columns + groupOutputChannels * output.pixels
        case .channelsLast: columns + groupOutputChannels * tilePixels
        case .imagesLast: columns + layout.floats(batch: 1, output)
        }
    }

    /// The floats of that without a ReLU's gradient, which comes after them.
    func algorithmScratch(_ layout: Layout, _ algorithm: ConvolutionAlgorithm) -> Int {
        switch layout {
        case .channelsFirst: isPointwise ? 0 : FloatBuffer.aligned(columnFloats + paddedPlanes)
        case .channelsLast:
            (isPointwise ? 0 : FloatBuffer.aligned(depth * tilePixels))
                + max(DirectProduct.scratchCount, algorithm == .direct ? sparseScratch : 0)
        case .imagesLast where algorithm == .imagesLastWinograd: ImagesLastWinograd.scratchCount(self)
        case .imagesLast where algorithm == .imagesLastRowWinograd: ImagesLastRowWinograd.scratchCount(self)
        case .imagesLast: 0
        }
    }

    /// Floats that products take which leave out zeros.
    private var sparseScratch: Int {
        hasWideWeights
            ? SparseProduct.scratchCount(rows: tilePixels, columns: max(depth, groupOutputChannels)) : 0
    }

    /// Where a direct product has its panel in the scratch of `algorithmScratch`: after the columns.
    func panel(in scratch: FloatView) -> FloatView {
        scratch.slice(scratch.count - DirectProduct.scratchCount..<scratch.count)
    }
}
