import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite struct OpenBLASTests {
    struct Sizes: Sendable { var rows, columns, depth: Int }

    static let sizes = [
        Sizes(rows: 1, columns: 1, depth: 1), Sizes(rows: 3, columns: 5, depth: 7),
        Sizes(rows: 1, columns: 33, depth: 17), Sizes(rows: 65, columns: 1, depth: 9),
        Sizes(rows: 50, columns: 70, depth: 130),
    ]

    /// Over transpositions, leading dimensions, alpha and beta; exact, since all sums are small integers.
    @Test(arguments: sizes, [(false, false), (false, true), (true, false), (true, true)])
    func productsEqualTheDefinition(sizes: Sizes, transposed: (a: Bool, b: Bool)) {
        let (rows, columns, depth) = (sizes.rows, sizes.columns, sizes.depth)
        let a = integers(count: rows * depth, seed: 1)
        let b = integers(count: depth * columns, seed: 2)
        let c = integers(count: rows * columns, seed: 3)
        for (alpha, beta) in [(1, 0), (1, 1), (-2, 0), (2, 3)] as [(Float, Float)] {
            let expected = ReferenceGEMM.multiply(
                rows: rows, columns: columns, depth: depth, alpha: alpha, a, transposeA: transposed.a, b,
                transposeB: transposed.b, beta: beta, c: c)
            for gap in [0, 3] {
                withMemory { memory in
                    let first = matrix(
                        memory, a, rows: transposed.a ? depth : rows, columns: transposed.a ? rows : depth,
                        gap)
                    let second = matrix(
                        memory, b, rows: transposed.b ? columns : depth,
                        columns: transposed.b ? depth : columns, gap)
                    let result = matrix(memory, c, rows: rows, columns: columns, gap)
                    multiply(
                        transposed.a ? first.matrix.transposed : first.matrix,
                        transposed.b ? second.matrix.transposed : second.matrix, into: result.matrix,
                        alpha: alpha, beta: beta)
                    expectEqual(
                        rowsOf(result.view, rows, columns, gap), expected,
                        "alpha \(alpha), beta \(beta), gap \(gap)")
                }
            }
        }
    }

    @Test(arguments: sizes)
    func betaZeroDoesNotReadTheResult(sizes: Sizes) {
        withMemory { memory in
            let a = memory.view(integers(count: sizes.rows * sizes.depth, seed: 1))
            let b = memory.view(integers(count: sizes.depth * sizes.columns, seed: 2))
            let result = memory.view(count: sizes.rows * sizes.columns)
            multiply(
                a.matrix(rows: sizes.rows, columns: sizes.depth),
                b.matrix(rows: sizes.depth, columns: sizes.columns),
                into: result.matrix(rows: sizes.rows, columns: sizes.columns))
            #expect(result.array.allSatisfy { $0.isFinite })
        }
    }

    @Test func theLibraryNamesItselfAndItsCore() {
        #expect(OpenBLAS.configuration.hasPrefix("OpenBLAS"))
        #expect(OpenBLAS.version.first?.isNumber == true)
        #expect(!OpenBLAS.coreName.isEmpty)
    }

    @Test func aTransposedMatrixIsWrittenRowByColumn() {
        withMemory { memory in
            let source = memory.view([1, 2, 3, 4, 5, 6])
            let target = memory.view(count: 6)
            source.matrix(rows: 2, columns: 3).transpose(into: target.matrix(rows: 3, columns: 2))
            #expect(target.array == [1, 4, 2, 5, 3, 6])
        }
    }

    @Test func rowsAreFilledAndColumnsSummed() {
        withMemory { memory in
            let view = memory.view(count: 7)
            let matrix = view.matrix(rows: 2, columns: 3, leadingDimension: 4)
            matrix.fillRows(with: memory.view([1, 2, 3]))
            #expect(view.slice(0..<3).array == [1, 2, 3] && view.slice(4..<7).array == [1, 2, 3])
            #expect(view[3].isNaN)
            let sums = memory.view([10, 20, 30])
            matrix.addColumnSums(to: sums)
            #expect(sums.array == [12, 24, 36])
        }
    }

    /// A matrix whose rows lie `gap` floats of NaN apart.
    private func matrix(
        _ memory: Memory, _ values: [Float], rows: Int, columns: Int, _ gap: Int
    ) -> (view: FloatView, matrix: MatrixView) {
        let view = memory.view(count: rows * (columns + gap))
        for row in 0..<rows {
            view.slice(row * (columns + gap)..<row * (columns + gap) + columns)
                .copy(from: Array(values[row * columns..<(row + 1) * columns]))
        }
        return (view, view.matrix(rows: rows, columns: columns, leadingDimension: columns + gap))
    }

    private func rowsOf(_ view: FloatView, _ rows: Int, _ columns: Int, _ gap: Int) -> [Float] {
        (0..<rows).flatMap { row in
            view.slice(row * (columns + gap)..<row * (columns + gap) + columns).array
        }
    }

    @Test(arguments: [Float(0), 1, 3])
    func aProductOfDepthZeroScalesTheResult(beta: Float) {
        let memory = Memory()
        let result = memory.view([1, 2, 3, 4])
        multiply(
            memory.view(count: 0).matrix(rows: 2, columns: 0),
            memory.view(count: 0).matrix(rows: 0, columns: 2),
            into: result.matrix(rows: 2, columns: 2), beta: beta)
        expectEqual(result.array, [1, 2, 3, 4].map { $0 * beta })
    }
}
