import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite("Cholesky factorisation") struct CholeskyTests {
    /// `AᵀA + I` of whole numbers.
    private static func matrix(order: Int) -> [Double] {
        let values = integers(count: order * order, seed: UInt64(order)).map { Double($0) }
        var matrix = ReferenceGEMM.multiply(
            rows: order, columns: order, depth: order, values, transposeA: true, values)
        for place in stride(from: 0, to: matrix.count, by: order + 1) { matrix[place] += 1 }
        return matrix
    }

    @Test("Solutions are those of Gaussian elimination", arguments: [(1, 1), (3, 2), (40, 10)])
    func solutions(order: Int, columns: Int) throws {
        let matrix = Self.matrix(order: order)
        let sides = integers(count: order * columns, seed: 9).map { Double($0) }
        let factor = try Cholesky(matrix, order: order)
        let expected = ReferenceLinearSolve.solve(matrix, order: order, sides, columns: columns)
        // Both solve a matrix that differs from the true one by about `order` roundings of it, which the condition
        // magnifies.
        try expectNormClose(
            factor.solve(sides, columns: columns), expected,
            tolerance: 4 * Double(order) * factor.condition * Double.ulpOfOne)
    }

    @Test("The condition of a diagonal matrix is its greatest number over its least")
    func condition() throws {
        let factor = try Cholesky([4, 0, 0, 0, 0.5, 0, 0, 0, 1], order: 3)
        #expect(abs(factor.condition - 8) < 1e-12)
    }

    @Test("The lower triangle alone is read")
    func lower() throws {
        #expect(try Cholesky([4, 99, 2, 5], order: 2).solve([10, 9], columns: 1) == [2, 1])
    }

    @Test("What is not positive definite is told by LAPACK's code: the first minor that is not positive")
    func indefinite() {
        #expect(throws: CholeskyError.notPositiveDefinite(order: 3, minor: 2)) {
            try Cholesky([1, 2, 0, 2, 1, 0, 0, 0, 1], order: 3)
        }
        let error = CholeskyError.notPositiveDefinite(order: 3, minor: 2)
        #expect("\(error)".contains("dpotrf stopped with code 2") && "\(error)".contains("order 3"))
        #expect(throws: LAPACKError.self) { try Cholesky([.nan], order: 1) }
    }

    @Test("What is singular but for rounding is refused, although a factor was found")
    func singular() {
        #expect {
            try Cholesky([1, 1, 1, 1 + 0x1p-52], order: 2)
        } throws: { error in
            guard case CholeskyError.singular(2, let condition)? = error as? CholeskyError else {
                return false
            }
            return condition > 1e15
        }
    }
}
