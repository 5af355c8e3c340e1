import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite("Whitening matrices") struct WhiteningMatrixTests {
    /// A covariance of `order` whose condition is moderate.
    private static func covariance(order: Int) -> [Double] {
        let values = uniformFloats(count: 2 * order * order, seed: 3).map { Double($0) }
        return ReferenceGEMM.multiply(
            rows: order, columns: order, depth: 2 * order, values, transposeA: true, values
        ).map { $0 / Double(2 * order) }
    }

    private static func identity(_ order: Int) -> [Double] {
        (0..<order * order).map { $0 % (order + 1) == 0 ? 1 : 0 }
    }

    /// `w c wᵀ`.
    private static func transformed(_ c: [Double], by w: [Double], order: Int) -> [Double] {
        let left = ReferenceGEMM.multiply(rows: order, columns: order, depth: order, w, c)
        return ReferenceGEMM.multiply(rows: order, columns: order, depth: order, left, w, transposeB: true)
    }

    @Test("Without epsilon, what is whitened has the identity for its covariance", arguments: [1, 6, 150])
    func identity(order: Int) throws {
        let covariance = Self.covariance(order: order)
        let components = try PrincipalComponents(covariance: covariance, order: order)
        #expect(components.rankDeficiency == 0)
        let condition = components.variances[0] / components.variances[order - 1]
        // dsyevd's eigenvectors are those of a matrix some `order` roundings away, which the condition magnifies.
        let tolerance = 8 * Double(order) * condition * Double.ulpOfOne
        let zca = try WhiteningMatrix.zca(components, epsilon: 0, workers: Workers(count: 2))
        for matrix in [zca, WhiteningMatrix.pca(components, epsilon: 0)] {
            expectClose(
                Self.transformed(covariance, by: matrix, order: order), Self.identity(order),
                absolute: tolerance)
        }
    }

    @Test("ZCA's matrix is symmetric to the last bit, and the same for any number of threads")
    func symmetry() throws {
        let order = 150
        let components = try PrincipalComponents(covariance: Self.covariance(order: order), order: order)
        let matrix = try WhiteningMatrix.zca(components, epsilon: 0.01, workers: Workers(count: 1))
        for row in 0..<order {
            for column in 0..<row { #expect(matrix[row * order + column] == matrix[column * order + row]) }
        }
        #expect(try WhiteningMatrix.zca(components, epsilon: 0.01, workers: Workers(count: 3)) == matrix)
    }

    @Test("Epsilon leaves each direction v of its variance v the share v / (v + epsilon)")
    func epsilon() throws {
        let components = try PrincipalComponents(covariance: [[3, 0], [0, 0]])
        #expect(components.rankDeficiency == 1)
        #expect(WhiteningMatrix.pca(components, epsilon: 1) == [0.5, 0, 0, 1])
        let zca = try WhiteningMatrix.zca(components, epsilon: 1, workers: Workers(count: 1))
        // A root of a root, squared.
        expectClose(zca, [0.5, 0, 0, 1], absolute: 4 * Double.ulpOfOne)
    }
}
