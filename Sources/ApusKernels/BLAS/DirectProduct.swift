import CVectorKernels

/// Products in a kernel of our own, for the shapes of convolutions whose channels are last: many rows, few
/// columns.
///
/// OpenBLAS packs both operands, the larger one included, which few columns do not pay for; and what goes
/// before and after a product, the bias and a ReLU, costs it a pass of its own over the result.
package enum DirectProduct {
    /// Floats of scratch a product takes, for a panel of its second operand.
    package static let scratchCount = Int(apus_panel_floats)

    /// The greatest depth that may come in several runs.
    package static let greatestRunDepth = Int(apus_panel_depth)

    /// Sets `result` to `a * b`, or adds that; or to `a * b` with `bias` added to each row and, where asked for,
    /// negative elements set to zero. `a` and `b` may be transposed views.
    ///
    /// - Parameters:
    ///   - runs: `a` stands for so many matrices side by side, each `runStride` floats after the one before in memory.
    ///     They hold at most `greatestRunDepth` columns together, and are not transposed.
    ///   - last: whether what `result` holds is added to the complete sum. That rounds less than to begin
    ///     with it, but the bits then depend on how a sum is divided among products.
    package static func multiply(
        _ a: MatrixView, runs: Int = 1, runStride: Int = 0, _ b: MatrixView, into result: MatrixView,
        adding: Bool = false, last: Bool = false,
        bias: FloatView? = nil,
        rectifying: Bool = false, scratch: FloatView, with kernels: apus_kernels? = nil
    ) {
        precondition(
            !result.isTransposed && a.columns > 0 && a.rows == result.rows && b.columns == result.columns
                && b.rows == runs * a.columns && (runs == 1 || b.rows <= greatestRunDepth && !a.isTransposed)
                && !(adding && bias != nil)
                && bias.map { $0.count == result.columns } ?? true && scratch.count >= scratchCount)
        var product = unsafe apus_product(
            rows: result.rows, columns: result.columns, depth: b.rows, a: a.base,
            a_row: a.isTransposed ? 1 : a.leadingDimension, a_depth: a.isTransposed ? a.leadingDimension : 1,
            runs: runs, a_run: runStride,
            b: b.base, b_row: b.leadingDimension, is_b_transposed: b.isTransposed, c: result.base,
            c_row: result.leadingDimension, bias: bias?.base, adds: adding,
            adds_last: last, rectifies: rectifying)
        unsafe (kernels ?? VectorKernels.current).product(&product, scratch.base)
    }
}
