import CVectorKernels

/// Sums whose order is fixed by the problem, never by the number of threads.
public enum Reductions {
    /// Sets the first of `count` equal blocks that lie side by side to the sum of all, over `range` of each, in a fixed
    /// binary tree: at each level block i takes block i + width, for i = 0, 2 width, 4 width, ...
    public static func addTree(_ blocks: FloatView, of size: Int, count: Int, range: Range<Int>) {
        precondition(
            count > 0 && count * size <= blocks.count && range.lowerBound >= 0 && range.upperBound <= size)
        unsafe VectorKernels.current.add_tree(count, size, range.lowerBound, range.upperBound, blocks.base)
    }

    /// The sum of squares, accumulated in double precision.
    public static func sumOfSquares(_ view: FloatView) -> Double {
        var partial = SIMD8<Double>.zero
        let blocks = view.count / 8
        for block in 0..<blocks {
            let wide = unsafe SIMD8<Double>(eight(view.base + 8 * block))
            partial += wide * wide
        }
        var total = partial.sum()
        for index in (8 * blocks)..<view.count {
            let value = unsafe Double(view.base[index])
            total += value * value
        }
        return total
    }

    /// Whether every element is finite.
    public static func isFinite(_ view: FloatView) -> Bool {
        // A difference of a number with itself is zero, of an infinity or NaN it is NaN.
        var sum: Float = 0
        for index in 0..<view.count { unsafe sum += view.base[index] - view.base[index] }
        return sum == 0
    }

    /// The channel with the greatest value, for each image of a batch of vectors; among equals the first.
    public static func argmax(_ tensor: Tensor, image: Int) -> Int {
        precondition(tensor.shape.isVector && image >= 0 && image < tensor.batch)
        let values = unsafe tensor.base + tensor.place(image, 0, 0)
        let step = tensor.channelStride
        var best = 0
        for index in 1..<max(tensor.shape.channels, 1)
        where unsafe values[index * step] > values[best * step] {
            best = index
        }
        return best
    }
}
