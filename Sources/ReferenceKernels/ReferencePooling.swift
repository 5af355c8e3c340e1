/// The windows of a 2-D pooling, where PyTorch puts them.
public struct ReferencePooling: Hashable, Sendable {
    public var kernel: ReferenceExtent
    public var stride: ReferenceExtent
    /// Rows above and below, columns left and right; at most half the kernel.
    public var padding: ReferenceExtent
    /// Whether a last window that is only partly filled counts (PyTorch's `ceil_mode`).
    public var roundsUp: Bool

    /// The stride is the kernel's extent unless said otherwise.
    @inlinable
    public init(
        kernel: ReferenceExtent, stride: ReferenceExtent? = nil, padding: ReferenceExtent = 0,
        roundsUp: Bool = false
    ) {
        precondition(
            2 * padding.height <= kernel.height && 2 * padding.width <= kernel.width,
            "padding exceeds half the kernel")
        self.kernel = kernel
        self.stride = stride ?? kernel
        self.padding = padding
        self.roundsUp = roundsUp
    }

    /// Rows and columns of output.
    ///
    /// Rounding up, a last window is dropped that would start beyond the input and the padding before it.
    @inlinable
    public func outputExtent(input: ReferenceExtent) -> ReferenceExtent {
        func extent(_ input: Int, _ kernel: Int, _ stride: Int, _ padding: Int) -> Int {
            var room = input + 2 * padding - kernel
            if roundsUp { room += stride - 1 }
            precondition(room >= 0, "the kernel does not fit its input")
            let windows = room / stride + 1
            guard roundsUp else { return windows }
            return (windows - 1) * stride >= input + padding ? windows - 1 : windows
        }
        return ReferenceExtent(
            extent(input.height, kernel.height, stride.height, padding.height),
            extent(input.width, kernel.width, stride.width, padding.width))
    }

    /// What one output pixel covers.
    @usableFromInline
    struct Window {
        /// Within the input.
        @usableFromInline var rows, columns: Range<Int>
        /// Pixels within the input and its padding, which a window rounded up can still reach beyond.
        @usableFromInline var paddedCount: Int

        @inlinable
        init(_ pooling: ReferencePooling, _ input: ReferenceExtent, row: Int, column: Int) {
            func covered(
                _ index: Int, _ input: Int, _ kernel: Int, _ stride: Int, _ padding: Int
            ) -> (range: Range<Int>, padded: Int) {
                let start = index * stride - padding
                let end = Swift.min(start + kernel, input + padding)
                return (Swift.max(start, 0)..<Swift.min(end, input), end - start)
            }
            let vertical = covered(
                row, input.height, pooling.kernel.height, pooling.stride.height, pooling.padding.height)
            let horizontal = covered(
                column, input.width, pooling.kernel.width, pooling.stride.width, pooling.padding.width)
            rows = vertical.range
            columns = horizontal.range
            paddedCount = vertical.padded * horizontal.padded
        }
    }

    /// Calls `body` with each output's place among the values, its plane (image and channel) and its window.
    @inlinable
    func forEachOutput(
        inputShape: [Int], _ body: (_ place: Int, _ plane: Int, _ window: Window) -> Void
    ) {
        let input = ReferenceExtent(inputShape[2], inputShape[3])
        let output = outputExtent(input: input)
        var place = 0
        for plane in 0..<inputShape[0] * inputShape[1] {
            for y in 0..<output.height {
                for x in 0..<output.width {
                    body(place, plane, Window(self, input, row: y, column: x))
                    place += 1
                }
            }
        }
    }

    @inlinable
    func outputShape(inputShape: [Int]) -> [Int] {
        let output = outputExtent(input: ReferenceExtent(inputShape[2], inputShape[3]))
        return [inputShape[0], inputShape[1], output.height, output.width]
    }
}
