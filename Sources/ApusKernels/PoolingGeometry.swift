/// The geometry of 2-D pooling, with PyTorch's rules for rounding and padding.
public struct PoolingGeometry: Hashable, Sendable {
    public typealias Extent = ConvolutionGeometry.Extent

    public let input: Shape
    public let output: Shape
    public let kernel: Extent
    public let stride: Extent
    public let padding: Extent

    /// Nil where the window does not fit the padded input; rounded up, less than a stride of it may stick out.
    ///
    /// The output has `(extent + 2 padding - kernel) / stride + 1` rows or columns, rounded down or up;
    /// rounded up, a last window that would start in the padding beyond the image is dropped.
    public init?(
        input: Shape, kernel: Extent, stride: Extent, padding: Extent, roundsUp: Bool
    ) {
        func extent(_ input: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int? {
            let room = input + 2 * padding - kernel + (roundsUp ? stride - 1 : 0)
            guard room >= 0 else { return nil }
            let count = room / stride + 1
            guard roundsUp else { return count }
            return (count - 1) * stride >= input + padding ? count - 1 : count
        }
        guard let height = extent(input.height, kernel.height, stride.height, padding.height),
            let width = extent(input.width, kernel.width, stride.width, padding.width)
        else { return nil }
        self.input = input
        output = Shape(height: height, width: width, channels: input.channels)
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// The geometry of a pooling whose output is known to fit.
    package init(input: Shape, output: Shape, kernel: Extent, stride: Extent, padding: Extent) {
        self.input = input
        self.output = output
        self.kernel = kernel
        self.stride = stride
        self.padding = padding
    }

    /// Whether the windows are of 2x2, side by side, and cover the image.
    var isTwoByTwo: Bool {
        kernel == Extent(2) && stride == Extent(2) && padding == Extent(0)
            && input.height == 2 * output.height && input.width == 2 * output.width
    }

    /// The input rows and columns of the window of one output pixel that lie inside the image, and where
    /// the window starts, which may be outside.
    @inline(__always)
    func window(_ outputY: Int, _ outputX: Int) -> Window {
        let top = outputY * stride.height - padding.height
        let left = outputX * stride.width - padding.width
        return Window(
            top: top, left: left,
            rows: max(top, 0)..<min(top + kernel.height, input.height),
            columns: max(left, 0)..<min(left + kernel.width, input.width))
    }

    struct Window {
        let top: Int
        let left: Int
        let rows: Range<Int>
        let columns: Range<Int>

        /// The window's pixels in each of its rows, counted through the maps of all images.
        func pixelRows(_ map: Shape, image: Int) -> some Sequence<Range<Int>> {
            rows.lazy.map { row in
                let start = image * map.pixels + row * map.width
                return start + columns.lowerBound..<start + columns.upperBound
            }
        }
    }

    /// Elements a window's average divides by: those inside the image, or the padding's too (but not what
    /// rounding up adds beyond the padding).
    func divisor(_ window: Window, countsPadding: Bool) -> Int {
        guard countsPadding else { return window.rows.count * window.columns.count }
        let bottom = min(window.top + kernel.height, input.height + padding.height)
        let right = min(window.left + kernel.width, input.width + padding.width)
        return (bottom - window.top) * (right - window.left)
    }
}
