import ApusKernels
import ReferenceKernels
import TestSupport
import Testing

@Suite struct SingularValuesTests {
    /// LAPACK's error is a few times the greater extent, in roundings of the greatest singular value.
    private func tolerance(_ values: SingularValues) -> Double {
        8 * Double(max(values.rows, values.columns)) * 0x1p-52 * values.values[0]
    }

    @Test(
        "The factors are orthonormal, and their product is the matrix again",
        arguments: [(1, 1), (1, 9), (7, 3), (6, 25), (40, 40), (84, 120)])
    func decomposition(rows: Int, columns: Int) throws {
        let matrix = uniformFloats(count: rows * columns, seed: 3)
        let svd = try SingularValues(matrix, rows: rows, columns: columns)
        let count = min(rows, columns)
        #expect(svd.values == svd.values.sorted(by: >) && svd.values.count == count)

        let identity = (0..<count * count).map { $0 % (count + 1) == 0 ? 1.0 : 0 }
        let small = 8 * Double(max(rows, columns)) * 0x1p-52
        let leftGram = ReferenceGEMM.multiply(
            rows: count, columns: count, depth: rows, svd.left, transposeA: true, svd.left)
        expectClose(leftGram, identity, absolute: small)
        let rightGram = ReferenceGEMM.multiply(
            rows: count, columns: count, depth: columns, svd.right, svd.right, transposeB: true)
        expectClose(rightGram, identity, absolute: small)

        let scaled = svd.left.enumerated().map { $0.element * svd.values[$0.offset % count] }
        let product = ReferenceGEMM.multiply(
            rows: rows, columns: columns, depth: count, scaled, svd.right)
        expectClose(product, matrix.map { Double($0) }, absolute: tolerance(svd))
    }

    /// By Cauchy and Schwarz the sum of the factors' absolute products is at most the greatest singular value, and each
    /// of two factors is rounded once.
    @Test("Two factors of full rank give the matrix, but for the rounding of their numbers")
    func factors() throws {
        let (rows, columns) = (12, 30)
        let matrix = uniformFloats(count: rows * columns, seed: 4)
        let svd = try SingularValues(matrix, rows: rows, columns: columns)
        for rank in [12, 15] {
            let (left, right) = svd.factors(ofRank: rank)
            #expect(left.count == rows * rank && right.count == rank * columns)
            let product = ReferenceGEMM.multiply(
                rows: rows, columns: columns, depth: rank, left.map { Double($0) }, right.map { Double($0) })
            expectClose(product, matrix.map { Double($0) }, absolute: 2.01 * 0x1p-24 * svd.values[0])
        }
    }

    @Test("What a lower rank leaves out has the squared norm of the values left out", arguments: [1, 3, 6])
    func nearest(rank: Int) throws {
        let matrix = uniformFloats(count: 8 * 11, seed: 5)
        let svd = try SingularValues(matrix, rows: 8, columns: 11)
        let (left, right) = svd.factors(ofRank: rank)
        let product = ReferenceGEMM.multiply(
            rows: 8, columns: 11, depth: rank, left.map { Double($0) }, right.map { Double($0) })
        let lost = zip(product, matrix).reduce(0) { $0 + ($1.0 - Double($1.1)) * ($1.0 - Double($1.1)) }
        let left2 = svd.values[rank...].reduce(0) { $0 + $1 * $1 }
        // 88 numbers off by two roundings of the greatest value, which meet a remainder of about that value.
        #expect(abs(lost - left2) < 2 * 88 * 3 * 0x1p-24 * svd.values[0] * svd.values[0])
        let total = svd.values.reduce(0) { $0 + $1 * $1 }
        #expect(abs(svd.energy(ofRank: rank) - (1 - left2 / total)) < 1e-14)
    }

    /// Squares of 16, 4 and 1: shares of 16/21, 20/21 and 1.
    @Test(
        "Ranks follow from the squared values",
        arguments: [(0.5, 1), (0.7619, 1), (0.762, 2), (0.95, 2), (0.9524, 3), (1, 3)])
    func ranks(energy: Double, rank: Int) throws {
        var matrix = [Float](repeating: 0, count: 4 * 5)
        matrix[2] = -2
        matrix[5] = 4
        matrix[14] = 1
        let svd = try SingularValues(matrix, rows: 4, columns: 5)
        expectClose(svd.values, [4, 2, 1, 0], absolute: tolerance(svd))
        #expect(svd.rank(keeping: energy) == rank)
        #expect(svd.numericalRank == 3)
        #expect(svd.energy(ofRank: 3) > 1 - 1e-14 && svd.energy(ofRank: 4) == 1)
    }

    @Test("Rows that follow from others are no rank, though their floats are rounded")
    func deficient() throws {
        let (rows, columns) = (20, 50)
        let base = uniformFloats(count: 3 * columns, seed: 8)
        let mixture = uniformFloats(count: rows * 3, seed: 9)
        let matrix = ReferenceGEMM.multiply(
            rows: rows, columns: columns, depth: 3, mixture.map { Double($0) }, base.map { Double($0) }
        ).map { Float($0) }
        let svd = try SingularValues(matrix, rows: rows, columns: columns)
        #expect(svd.numericalRank == 3)
        #expect(svd.rank(keeping: 1) == 3)
        #expect(svd.condition > 1e6)
    }

    @Test("Scales far apart are told apart as far as floats do")
    func illConditioned() throws {
        var matrix = [Float](repeating: 0, count: 9)
        for (index, value) in [1e20, 1e16, 1e-20].enumerated() { matrix[4 * index] = Float(value) }
        let svd = try SingularValues(matrix, rows: 3, columns: 3)
        #expect(svd.numericalRank == 2)
        #expect(svd.rank(keeping: 1) == 2)
        #expect(svd.condition > 1e39)
        let (left, right) = svd.factors(ofRank: 2)
        #expect(left.allSatisfy(\.isFinite) && right.allSatisfy(\.isFinite))
    }

    @Test("A matrix of zeros has rank 0, is kept by rank 1, and has no condition")
    func zeros() throws {
        let svd = try SingularValues([Float](repeating: 0, count: 6), rows: 2, columns: 3)
        #expect(svd.numericalRank == 0 && svd.rank(keeping: 0.9) == 1 && svd.energy(ofRank: 1) == 1)
        #expect(svd.condition == 1)
    }

    @Test("What is no matrix of finite numbers is refused by its place")
    func refusals() {
        for value in [Float.nan, .infinity] {
            #expect(throws: SingularValuesError.notFinite(row: 1, column: 0, value: "\(value)")) {
                try SingularValues([1, 2, value, 4], rows: 2, columns: 2)
            }
        }
        #expect(throws: SingularValuesError.count(rows: 2, columns: 2, found: 3)) {
            try SingularValues([1, 2, 3], rows: 2, columns: 2)
        }
        #expect(throws: SingularValuesError.count(rows: 0, columns: 2, found: 0)) {
            try SingularValues([], rows: 0, columns: 2)
        }
    }
}
