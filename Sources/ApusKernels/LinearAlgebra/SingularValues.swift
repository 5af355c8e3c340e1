/// The singular value decomposition of a matrix, `A = U diag(s) V^T`, in double precision, by LAPACK's `dgesdd`
/// (Gu and Eisenstat, 1995, "A divide-and-conquer algorithm for the bidiagonal SVD").
///
/// Keeping the `r` greatest values gives the matrix of rank `r` that is nearest to `A` (Eckart and Young, 1936); what
/// is left out has the squared norm of the values left out.
public struct SingularValues: Sendable, Hashable {
    public let rows: Int
    public let columns: Int
    /// From the greatest to the smallest, `min(rows, columns)` of them.
    public let values: [Double]
    /// U, `[rows, values]`.
    public let left: [Double]
    /// V transposed, `[values, columns]`.
    public let right: [Double]

    /// Decomposes a row-major matrix.
    ///
    /// - Throws: `SingularValuesError` where the matrix is empty, of another size, or not finite; `LAPACKError` where
    ///   the iteration does not converge.
    public init(_ matrix: [Float], rows: Int, columns: Int) throws {
        guard rows > 0, columns > 0, matrix.count == rows * columns else {
            throw SingularValuesError.count(rows: rows, columns: columns, found: matrix.count)
        }
        if let index = matrix.firstIndex(where: { !$0.isFinite }) {
            throw SingularValuesError.notFinite(
                row: index / columns, column: index % columns, value: "\(matrix[index])")
        }
        self.rows = rows
        self.columns = columns
        (left, values, right) = try LAPACK.singularValues(
            matrix.map { Double($0) }, rows: rows, columns: columns)
    }

    /// How many values are more than what rounding makes of zeros: those above `max(rows, columns) ulp s1`, with the
    /// spacing of floats, which is what the matrix was rounded to.
    public var numericalRank: Int {
        let floor = Double(max(rows, columns)) * Double(Float.ulpOfOne) * (values.first ?? 0)
        return values.count { $0 > floor }
    }

    /// The greatest value over the smallest; infinite where that is zero, and 1 for a matrix of zeros.
    public var condition: Double {
        guard let greatest = values.first, let smallest = values.last, greatest > 0 else { return 1 }
        return greatest / smallest
    }

    /// The share of the squared norm that the first `rank` values have; 1 for a matrix of zeros.
    public func energy(ofRank rank: Int) -> Double {
        let total = values.reduce(0) { $0 + $1 * $1 }
        guard total > 0 else { return 1 }
        return rank >= values.count ? 1 : values.prefix(rank).reduce(0) { $0 + $1 * $1 } / total
    }

    /// The least rank, from 1 to the numerical one, that keeps a share of the squared norm.
    ///
    /// - Parameter energy: above 0, at most 1, which asks for the numerical rank.
    public func rank(keeping energy: Double) -> Int {
        let greatest = max(1, numericalRank)
        guard energy < 1 else { return greatest }
        return (1..<greatest).first { self.energy(ofRank: $0) >= energy } ?? greatest
    }

    /// Two factors whose product is the nearest matrix of a rank: `U sqrt(s)`, `[rows, rank]`, and `sqrt(s) V^T`,
    /// `[rank, columns]`. Each has half of the scale, so that training moves both alike.
    ///
    /// - Parameter rank: above the number of values it adds zeros.
    public func factors(ofRank rank: Int) -> (left: [Float], right: [Float]) {
        precondition(rank >= 0, "factors of rank \(rank)")
        let kept = min(rank, values.count)
        var first = [Float](repeating: 0, count: rows * rank)
        var second = [Float](repeating: 0, count: rank * columns)
        for index in 0..<kept {
            let scale = values[index].squareRoot()
            for row in 0..<rows {
                first[row * rank + index] = Float(left[row * values.count + index] * scale)
            }
            for column in 0..<columns {
                second[index * columns + column] = Float(right[index * columns + column] * scale)
            }
        }
        return (first, second)
    }
}

/// A matrix that has no singular values.
public enum SingularValuesError: Error, Sendable, Hashable, CustomStringConvertible {
    case count(rows: Int, columns: Int, found: Int)
    case notFinite(row: Int, column: Int, value: String)

    public var description: String {
        switch self {
        case .count(let rows, let columns, let found):
            "found \(found) numbers, expected a matrix of \(rows) rows and \(columns) columns, at least one of each"
        case .notFinite(let row, let column, let value):
            "found \(value) in row \(row), column \(column) of a matrix, expected finite numbers"
        }
    }
}
