import CVectorKernels

/// Products of matrices the first of which has many zeros, as a ReLU and dropout leave them: they are not multiplied.
///
/// What is left has no order, so each of its elements loads a row of the second matrix, where a dense product loads one for
/// several. That pays where half of the elements or more are zero, and the second matrix is wide.
package enum SparseProduct {
    /// The greatest share of elements other than zero.
    package static let greatestDensity: Float = 0.55

    /// Floats of scratch a product takes whose first factor has no more rows and columns than these, or is one of those
    /// transposed.
    package static func scratchCount(rows: Int, columns: Int) -> Int {
        listFloats(rows: rows, columns: columns) + countFloats(rows: rows, columns: columns)
            + Int(apus_sparse_floats)
    }

    /// Sets `result` to `a * b`, or adds that; or to `a * b` with `bias` added to each row and, where asked for, negative
    /// elements set to zero. `a`, and `b` unless it is packed, may be transposed views. Where `b` is finite the sums are those of
    /// `DirectProduct` on the same instruction set, bit for bit but for the sign of a zero; an infinity or NaN is not seen where
    /// `a` is zero.
    ///
    /// - Returns: false, and then nothing was done, where `a` has too few zeros.
    package static func multiply(
        _ a: MatrixView, _ b: DirectProduct.SecondFactor, into result: MatrixView, adding: Bool = false,
        bias: FloatView? = nil, rectifying: Bool = false, scratch: FloatView,
        with kernels: apus_kernels? = nil
    ) -> Bool {
        precondition(
            a.columns == b.rows && b.columns == result.columns
                && scratch.count >= scratchCount(rows: a.rows, columns: a.columns))
        var product = unsafe apus_product(
            a, depth: b.rows, into: result, adding: adding, bias: bias, rectifying: rectifying)
        unsafe product.setSecondFactor(b)
        let listEnd = listFloats(rows: a.rows, columns: a.columns)
        let countEnd = listEnd + countFloats(rows: a.rows, columns: a.columns)
        return unsafe (kernels ?? VectorKernels.current).sparse_product(
            &product, greatestDensity,
            UnsafeMutableRawPointer(scratch.base).assumingMemoryBound(to: apus_element.self),
            UnsafeMutableRawPointer(scratch.base + listEnd).assumingMemoryBound(to: Int32.self),
            scratch.base + countEnd)
    }

    /// Room for the elements, and for those of a row of a block, which are written before they are counted.
    private static func listFloats(rows: Int, columns: Int) -> Int {
        let elements = Int(greatestDensity * Float(rows * columns)) + 1 + Int(apus_sparse_depth)
        return FloatBuffer.aligned(elements * MemoryLayout<apus_element>.size / MemoryLayout<Float>.size)
    }

    /// Room for the count of each row of each block.
    private static func countFloats(rows: Int, columns: Int) -> Int {
        let depth = Int(apus_sparse_depth)
        return FloatBuffer.aligned((rows + depth) * (columns + depth) / depth)
    }
}
