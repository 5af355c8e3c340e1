/// The factorisation `L Lᵀ` of a symmetric positive definite matrix, in double precision, to solve with.
public struct Cholesky: Sendable {
    public let order: Int
    /// An estimate of the matrix's condition, in the 1-norm: the digits of a solution that may be wrong are its decimal
    /// logarithm.
    public let condition: Double
    private let factor: [Double]

    /// - Parameter matrix: `[order, order]`, of which the lower triangle is read.
    /// - Throws: `CholeskyError` where it is not positive definite, or not to the precision of its numbers; `LAPACKError`
    ///   where they are not finite.
    public init(_ matrix: [Double], order: Int) throws {
        precondition(order > 0 && matrix.count == order * order)
        var factor = matrix
        let minor = try LAPACK.factorCholesky(&factor, order: order)
        guard minor == 0 else { throw CholeskyError.notPositiveDefinite(order: order, minor: minor) }
        let norm =
            (0..<order).map { row in
                (0..<order).reduce(0) { sum, column in
                    sum + abs(matrix[max(row, column) * order + min(row, column)])
                }
            }.max() ?? 0
        let reciprocal = try LAPACK.reciprocalCondition(factor, order: order, norm: norm)
        // What is zero but for rounding may have come out positive. (LAPACK's own expert solvers draw the line here.)
        guard reciprocal >= Double.ulpOfOne / 2 else {
            throw CholeskyError.singular(order: order, condition: 1 / reciprocal)
        }
        self.order = order
        self.factor = factor
        condition = 1 / reciprocal
    }

    /// The solutions for right-hand sides, `[order, columns]`, in the same order.
    ///
    /// - Throws: `LAPACKError` where they are not finite.
    public func solve(_ sides: [Double], columns: Int) throws -> [Double] {
        var solutions = sides
        try LAPACK.solveCholesky(factor, order: order, &solutions, columns: columns)
        return solutions
    }
}

/// A matrix that is not positive definite.
public enum CholeskyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The leading minor of an order is not positive.
    case notPositiveDefinite(order: Int, minor: Int)
    /// The matrix is singular to the precision of its numbers.
    case singular(order: Int, condition: Double)

    public var description: String {
        switch self {
        case .notPositiveDefinite(let order, let minor):
            "LAPACK's dpotrf stopped with code \(minor): found a matrix of order \(order) whose leading minor of "
                + "order \(minor) is not positive, expected a positive definite one"
        case .singular(let order, let condition):
            "found a matrix of order \(order) and condition \(condition), expected one below "
                + "\(2 / Double.ulpOfOne), where double precision ends"
        }
    }
}
