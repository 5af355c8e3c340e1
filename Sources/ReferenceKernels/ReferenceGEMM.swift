/// The product of dense row-major matrices, as three loops.
public enum ReferenceGEMM {
    /// `alpha * op(a) * op(b) + beta * c`, `[rows, columns]`, where op transposes or not.
    ///
    /// `op(a)` is `[rows, depth]` and `op(b)` `[depth, columns]`; each element sums its products in order of
    /// depth. With `beta` 0 what `c` holds, NaN even, does not matter, and it may be absent.
    @inlinable
    public static func multiply<Scalar: BinaryFloatingPoint>(
        rows: Int, columns: Int, depth: Int,
        alpha: Scalar = 1, _ a: [Scalar], transposeA: Bool = false, _ b: [Scalar], transposeB: Bool = false,
        beta: Scalar = 0, c: [Scalar] = []
    ) -> [Scalar] {
        precondition(
            a.count == rows * depth && b.count == depth * columns, "a factor does not fill its shape")
        precondition(beta == 0 || c.count == rows * columns, "c does not fill its shape")
        let (aRow, aStep) = transposeA ? (1, rows) : (depth, 1)
        let (bColumn, bStep) = transposeB ? (depth, 1) : (1, columns)
        var product = [Scalar](repeating: 0, count: rows * columns)
        for i in 0..<rows {
            for j in 0..<columns {
                var sum: Scalar = 0
                for k in 0..<depth { sum += a[i * aRow + k * aStep] * b[k * bStep + j * bColumn] }
                let place = i * columns + j
                product[place] = beta == 0 ? alpha * sum : alpha * sum + beta * c[place]
            }
        }
        return product
    }
}
