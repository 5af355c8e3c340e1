import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite struct OrthogonalTests {
    /// Householder's QR gives columns that are orthonormal to about rows x columns roundings.
    @Test(arguments: [(1, 1), (5, 5), (40, 7), (64, 64)])
    func columnsAreOrthonormal(rows: Int, columns: Int) throws {
        let random = CounterRandom(seed: 1, purpose: .initialization)
        let normal = (0..<rows * columns).map { random.normal(at: $0) }
        var q = normal
        try Orthogonal.factor(&q, rows: rows, columns: columns)
        let tolerance = Double(rows + columns) * 8 * 0x1p-24
        let gram = ReferenceGEMM.multiply(
            rows: columns, columns: columns, depth: rows, q.map { Double($0) }, transposeA: true,
            q.map { Double($0) })
        expectClose(
            gram, (0..<columns * columns).map { $0 % (columns + 1) == 0 ? 1 : 0 }, absolute: tolerance)

        // R = Q^T A is upper triangular, and its diagonal positive.
        let r = ReferenceGEMM.multiply(
            rows: columns, columns: columns, depth: rows, q.map { Double($0) }, transposeA: true,
            normal.map { Double($0) })
        for row in 0..<columns {
            #expect(r[row * columns + row] > 0)
            for column in 0..<row { #expect(abs(r[row * columns + column]) < 20 * tolerance) }
        }
    }

    @Test func valuesThatAreNotFiniteAreRefused() {
        var matrix: [Float] = [1, 2, .nan, 4]
        #expect(throws: LAPACKError.self) {
            try Orthogonal.factor(&matrix, rows: 2, columns: 2)
        }
    }
}
