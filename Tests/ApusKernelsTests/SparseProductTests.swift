import ApusKernels
import CVectorKernels
import TestSupport
import Testing

/// On every instruction set there is, against the dense product.
@Suite("Products that leave out the zeros of their first factor")
struct SparseProductTests {
    static let paths = DirectProductTests.paths

    /// Columns of one chunk and more than registers hold, whole and in part; depths of one block and several.
    static let extents = [
        (1, 16, 1), (7, 33, 70), (13, 96, 64), (25, 300, 129), (5, 512, 400), (40, 100, 256),
        (3, 80, 70), (4, 64, 65), (6, 144, 66), (5, 190, 40),
    ]

    @Test("give the same bits", arguments: paths, extents)
    func bits(path: UInt32, extent: (rows: Int, columns: Int, depth: Int)) {
        let (rows, columns, depth) = extent
        let a = thinned(count: rows * depth, density: 0.3, seed: 1)
        let b = uniformFloats(count: depth * columns, seed: 2)
        let old = uniformFloats(count: rows * columns, seed: 3)
        let bias = uniformFloats(count: columns, seed: 4)
        for (transposesA, transposesB) in [(false, false), (true, false), (false, true), (true, true)] {
            for (adds, usesBias, rectifies) in [
                (false, false, false), (true, false, false), (false, true, true), (false, true, false),
            ] {
                withMemory { memory in
                    let first = memory.view(a).matrix(
                        rows: transposesA ? depth : rows, columns: transposesA ? rows : depth)
                    let second = memory.view(b).matrix(
                        rows: transposesB ? columns : depth, columns: transposesB ? depth : columns)
                    let (x, y) = (
                        transposesA ? first.transposed : first, transposesB ? second.transposed : second
                    )
                    let bias = usesBias ? memory.view(bias) : nil
                    // Rows of the result lie in wider ones, whose other floats are left alone.
                    let wide: [Float] = (0..<rows).flatMap { row -> [Float] in
                        [7] + Array(old[row * columns..<(row + 1) * columns]) + [8, 9]
                    }
                    let results = [memory.view(wide), memory.view(wide)]
                    func part(_ view: FloatView) -> MatrixView {
                        view.matrix(rows: rows, columns: columns + 3).columns(1..<columns + 1)
                    }
                    DirectProduct.multiply(
                        x, .plain(y), into: part(results[0]), adding: adds, bias: bias, rectifying: rectifies,
                        scratch: memory.view(count: DirectProduct.scratchCount), with: kernels(path))
                    #expect(
                        SparseProduct.multiply(
                            x, .plain(y), into: part(results[1]), adding: adds, bias: bias,
                            rectifying: rectifies, scratch: scratch(memory, rows: rows, depth: depth),
                            with: kernels(path)))
                    expectEqual(results[1].array, results[0].array)
                    let panels = memory.view(count: DirectProduct.packedCount(rows: depth, columns: columns))
                    DirectProduct.pack(y, into: panels, with: kernels(path))
                    let packed = memory.view(wide)
                    #expect(
                        SparseProduct.multiply(
                            x, .packed(panels, rows: depth, columns: columns), into: part(packed),
                            adding: adds, bias: bias, rectifying: rectifies,
                            scratch: scratch(memory, rows: rows, depth: depth), with: kernels(path)))
                    expectEqual(packed.array, results[0].array)
                }
            }
        }
    }

    @Test("are not made of factors with few zeros, wherever those lie", arguments: paths)
    func refusal(path: UInt32) {
        let (rows, depth, columns) = (20, 500, 40)
        let (thin, full) = (
            thinned(count: rows * depth, density: 0.2, seed: 1), uniformFloats(count: rows * depth, seed: 2)
        )
        func isMade(fullFrom first: Int) -> Bool {
            withMemory { memory in
                let a = memory.view(full.indices.map { $0 % depth >= first ? full[$0] : thin[$0] })
                let result = memory.view([Float](repeating: 5, count: rows * columns))
                let isMade = SparseProduct.multiply(
                    a.matrix(rows: rows, columns: depth),
                    .plain(
                        memory.view(uniformFloats(count: depth * columns, seed: 3))
                            .matrix(rows: depth, columns: columns)),
                    into: result.matrix(rows: rows, columns: columns),
                    scratch: scratch(memory, rows: rows, depth: depth), with: kernels(path))
                #expect(isMade != result.array.allSatisfy { $0 == 5 })
                return isMade
            }
        }
        #expect(isMade(fullFrom: depth))
        #expect(isMade(fullFrom: 400))
        #expect(!isMade(fullFrom: 200))
        #expect(!isMade(fullFrom: 0))
    }

    /// The list of elements is then as long as there is room for; the fences of memory see whether it is longer.
    @Test(
        "are made up to the greatest density, and stay in their scratch", arguments: paths,
        [31, 64, 65, 192, 200])
    func limit(path: UInt32, depth: Int) {
        let (rows, columns) = (9, 20)
        for shift in [0, 1] {
            let isMade = withMemory { memory in
                // Dense rows follow thin ones.
                let most = Int(SparseProduct.greatestDensity * Float(rows * depth)) + shift
                let a = (0..<rows * depth).map { $0 >= rows * depth - most ? Float(1) : 0 }
                let result = memory.view([Float](repeating: 0, count: rows * columns))
                return SparseProduct.multiply(
                    memory.view(a).matrix(rows: rows, columns: depth),
                    .plain(
                        memory.view([Float](repeating: 1, count: depth * columns))
                            .matrix(rows: depth, columns: columns)),
                    into: result.matrix(rows: rows, columns: columns),
                    scratch: scratch(memory, rows: rows, depth: depth), with: kernels(path))
            }
            // Where there are several blocks one may be denser than the whole.
            if shift == 1 || depth <= Int(apus_sparse_depth) { #expect(isMade == (shift == 0)) }
        }
    }

    @Test(
        "see a NaN of the first factor, and of the second where the first is not zero, of either sign",
        arguments: paths, [4, 36, 48])
    func notANumber(path: UInt32, depth: Int) {
        withMemory { memory in
            let result = memory.view([Float](repeating: 0, count: 60))
            var first = [Float](repeating: -0.0, count: 3 * depth)
            first[depth / 2] = .nan
            first[depth] = 2
            first[3 * depth - 1] = 5
            var second = [Float](repeating: 1, count: depth * 20)
            second[(depth - 1) * 20] = .nan
            #expect(
                SparseProduct.multiply(
                    memory.view(first).matrix(rows: 3, columns: depth),
                    .plain(memory.view(second).matrix(rows: depth, columns: 20)),
                    into: result.matrix(rows: 3, columns: 20), rectifying: true,
                    scratch: scratch(memory, rows: 3, depth: depth), with: kernels(path)))
            let rows = (0..<3).map { Array(result.array[$0 * 20..<($0 + 1) * 20]) }
            #expect(rows[0].allSatisfy { $0.isNaN })
            #expect(rows[1].allSatisfy { $0 == 2 })
            #expect(rows[2][0].isNaN && rows[2][1...].allSatisfy { $0 == 5 })
        }
    }

    @Test("nothing but zeros gives the bias", arguments: paths)
    func zeros(path: UInt32) {
        withMemory { memory in
            let bias = uniformFloats(count: 40, seed: 1)
            let result = memory.view([Float](repeating: 5, count: 80))
            #expect(
                SparseProduct.multiply(
                    memory.view([Float](repeating: 0, count: 600)).matrix(rows: 2, columns: 300),
                    .plain(
                        memory.view([Float](repeating: 1, count: 300 * 40)).matrix(rows: 300, columns: 40)),
                    into: result.matrix(rows: 2, columns: 40), bias: memory.view(bias),
                    scratch: scratch(memory, rows: 2, depth: 300), with: kernels(path)))
            expectEqual(result.array, bias + bias)
        }
    }

    /// No more than products say they take.
    private func scratch(_ memory: Memory, rows: Int, depth: Int) -> FloatView {
        memory.view(count: SparseProduct.scratchCount(rows: rows, columns: depth))
    }

    private func thinned(count: Int, density: Float, seed: UInt64) -> [Float] {
        zip(uniformFloats(count: count, seed: seed), uniformFloats(count: count, seed: seed + 100))
            .map { $1 < 2 * density - 1 ? $0 : 0 }
    }

    private func kernels(_ path: UInt32) -> apus_kernels {
        apus_kernels_for(apus_isa(rawValue: path)).pointee
    }
}
