/// Systems of linear equations by Gaussian elimination.
public enum ReferenceLinearSolve {
    /// The solutions of `matrix x = side` for each column of `sides`, `[order, columns]`, pivots chosen in the column.
    ///
    /// `matrix` is `[order, order]` and not singular.
    @inlinable
    public static func solve<Scalar: BinaryFloatingPoint>(
        _ matrix: [Scalar], order: Int, _ sides: [Scalar], columns: Int
    ) -> [Scalar] {
        precondition(matrix.count == order * order && sides.count == order * columns)
        var rows = (0..<order).map { row in
            Array(matrix[row * order..<(row + 1) * order]) + sides[row * columns..<(row + 1) * columns]
        }
        for step in 0..<order {
            let pivot = (step..<order).max { abs(rows[$0][step]) < abs(rows[$1][step]) }!
            rows.swapAt(step, pivot)
            for row in step + 1..<order {
                let factor = rows[row][step] / rows[step][step]
                for column in step..<order + columns { rows[row][column] -= factor * rows[step][column] }
            }
        }
        var solutions = [Scalar](repeating: 0, count: order * columns)
        for row in (0..<order).reversed() {
            for column in 0..<columns {
                var sum = rows[row][order + column]
                for other in row + 1..<order { sum -= rows[row][other] * solutions[other * columns + column] }
                solutions[row * columns + column] = sum / rows[row][row]
            }
        }
        return solutions
    }
}
