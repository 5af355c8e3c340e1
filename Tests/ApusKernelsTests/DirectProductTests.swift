import ApusKernels
import CVectorKernels
import ReferenceKernels
import TestSupport
import Testing

/// The products of our own on every instruction set there is, the portable one included, against three loops.
@Suite("Direct products")
struct DirectProductTests {
    static let paths = [apus_isa_portable.rawValue] + VectorKernelsTests.paths

    /// Widths of one to seven vectors, whole and in part, and depths around those of the panels.
    static let extents = [
        (1, 1, 1), (2, 16, 3), (3, 5, 2), (13, 48, 513), (25, 64, 27), (12, 33, 8), (7, 80, 1100),
        (31, 100, 16),
        (6, 112, 512), (5, 128, 1025), (13, 70, 600), (9, 24, 1025), (64, 40, 20), (65, 40, 20),
        (13, 64, 128), (13, 80, 129),
    ]

    /// On the paths there are: how wide panels are is the path's.
    @Test(
        "shares of packed columns have the bits of the whole", arguments: paths,
        [40, 176, 192, 208, 224, 300])
    func shares(path: UInt32, columns: Int) {
        let (rows, depth) = (7, 20)
        withMemory { memory in
            let a = memory.view(uniformFloats(count: rows * depth, seed: 1)).matrix(
                rows: rows, columns: depth)
            let b = memory.view(uniformFloats(count: depth * columns, seed: 2))
                .matrix(rows: depth, columns: columns)
            let panels = memory.view(count: DirectProduct.packedCount(rows: depth, columns: columns))
            DirectProduct.pack(b, into: panels, with: kernels(path))
            let scratch = memory.view(count: DirectProduct.scratchCount)
            let whole = memory.view(count: rows * columns)
            DirectProduct.multiply(
                a, .plain(b), into: whole.matrix(rows: rows, columns: columns), scratch: scratch,
                with: kernels(path))
            for count in 1...6 {
                let parts = memory.view(count: rows * columns)
                var end = 0
                for share in 0..<count {
                    let range = DirectProduct.columns(Share(share, of: count), of: columns)
                    if range.isEmpty { continue }
                    #expect(range.lowerBound == end)
                    end = range.upperBound
                    DirectProduct.multiply(
                        a,
                        .packed(
                            panels.slice(range.lowerBound * depth..<panels.count), rows: depth,
                            columns: range.count),
                        into: parts.matrix(rows: rows, columns: columns).columns(range), scratch: scratch,
                        with: kernels(path))
                }
                #expect(end == columns)
                expectEqual(parts.array, whole.array)
            }
        }
    }

    @Test("whole numbers multiply exactly, either operand transposed", arguments: paths, extents)
    func exactness(path: UInt32, extent: (rows: Int, columns: Int, depth: Int)) {
        let (rows, columns, depth) = extent
        let a = integers(count: rows * depth, seed: 1)
        let b = integers(count: depth * columns, seed: 2)
        let old = integers(count: rows * columns, seed: 3)
        let bias = integers(count: columns, seed: 4)
        let mask = integers(count: rows * columns, seed: 5)
        for (transposesA, transposesB) in [(false, false), (true, false), (false, true), (true, true)] {
            let product = ReferenceGEMM.multiply(
                rows: rows, columns: columns, depth: depth, a, transposeA: transposesA, b,
                transposeB: transposesB)
            func result(
                packs: Bool = false, adding: Bool = false, last: Bool = false, bias: [Float]? = nil,
                rectifying: Bool = false, masking: Bool = false
            ) -> [Float] {
                withMemory { memory in
                    // Rows of the result lie in wider ones, whose other floats are left alone.
                    let wide = memory.view(
                        (0..<rows).flatMap { row in
                            [.nan] + old[row * columns..<(row + 1) * columns] + [.nan, .nan]
                        })
                    let first = memory.view(a).matrix(
                        rows: transposesA ? depth : rows, columns: transposesA ? rows : depth)
                    let second = memory.view(b).matrix(
                        rows: transposesB ? columns : depth, columns: transposesB ? depth : columns)
                    let plain = transposesB ? second.transposed : second
                    var factor = DirectProduct.SecondFactor.plain(plain)
                    if packs {
                        let panels = memory.view(
                            count: DirectProduct.packedCount(rows: depth, columns: columns))
                        DirectProduct.pack(plain, into: panels, with: kernels(path))
                        factor = .packed(panels, rows: depth, columns: columns)
                    }
                    DirectProduct.multiply(
                        transposesA ? first.transposed : first, factor,
                        into: wide.matrix(rows: rows, columns: columns + 3).columns(1..<columns + 1),
                        adding: adding, last: last, bias: bias.map { memory.view($0) },
                        rectifying: rectifying,
                        mask: masking ? memory.view(mask).matrix(rows: rows, columns: columns) : nil,
                        scratch: memory.view(count: DirectProduct.scratchCount), with: kernels(path))
                    return (0..<rows).flatMap { row in
                        let values = wide.slice(row * (columns + 3)..<(row + 1) * (columns + 3)).array
                        #expect(values[0].isNaN && values[columns + 1].isNaN && values[columns + 2].isNaN)
                        return values[1..<columns + 1]
                    }
                }
            }
            expectEqual(result(), product)
            expectEqual(result(packs: true), product)
            expectEqual(result(adding: true), zip(product, old).map { $0 + $1 })
            expectEqual(result(adding: true, last: true), zip(product, old).map { $0 + $1 })
            let biased = product.indices.map { product[$0] + bias[$0 % columns] }
            expectEqual(result(bias: bias), biased)
            expectEqual(result(bias: bias, rectifying: true), biased.map { max($0, 0) })
            expectEqual(result(rectifying: true), product.map { max($0, 0) })
            for (packs, adding) in [(false, false), (true, true)] {
                let sum = adding ? zip(product, old).map { $0 + $1 } : product
                expectEqual(
                    result(packs: packs, adding: adding, masking: true),
                    zip(sum, mask).map { $1 > 0 ? $0 : 0 })
            }
        }
    }

    /// Threads share the rows of a product.
    @Test(
        "the bits of a row do not depend on how many rows there are", arguments: paths, [16, 24, 40, 48, 64])
    func rowsAlone(path: UInt32, columns: Int) {
        let (most, depth) = (25, 37)
        withMemory { memory in
            let a = memory.view(uniformFloats(count: most * depth, seed: 1))
                .matrix(rows: most, columns: depth)
            let b = memory.view(uniformFloats(count: depth * columns, seed: 2))
                .matrix(rows: depth, columns: columns)
            func product(rows: Int) -> [Float] {
                let result = memory.view(count: rows * columns)
                DirectProduct.multiply(
                    a.rows(0..<rows), .plain(b), into: result.matrix(rows: rows, columns: columns),
                    scratch: memory.view(count: DirectProduct.scratchCount), with: kernels(path))
                return result.array
            }
            let all = product(rows: most)
            for rows in 1..<most { expectEqual(product(rows: rows), Array(all[..<(rows * columns)])) }
        }
    }

    @Test(
        "runs of a depth are read where they lie, the second factor packed or not", arguments: paths,
        [(1, 1), (3, 9), (7, 21), (2, 256)])
    func runs(path: UInt32, depth: (runs: Int, length: Int)) {
        for (rows, packs) in [(13, false), (13, true), (65, true)] {
            runs(path: path, depth: depth, rows: rows, packs: packs)
        }
    }

    private func runs(path: UInt32, depth: (runs: Int, length: Int), rows: Int, packs: Bool) {
        let (columns, gap) = (70, depth.length + 3)
        let total = depth.runs * depth.length
        let stride = rows * gap + 5
        let memoryOfA = integers(count: depth.runs * stride, seed: 1)
        let a = (0..<rows).flatMap { row in
            (0..<total).map { memoryOfA[gap * row + $0 / depth.length * stride + $0 % depth.length] }
        }
        let b = integers(count: total * columns, seed: 2)
        let product = ReferenceGEMM.multiply(rows: rows, columns: columns, depth: total, a, b)
        withMemory { memory in
            let result = memory.view(count: rows * columns)
            let plain = memory.view(b).matrix(rows: total, columns: columns)
            let panels = memory.view(count: DirectProduct.packedCount(rows: total, columns: columns))
            DirectProduct.pack(plain, into: panels, with: kernels(path))
            DirectProduct.multiply(
                memory.view(memoryOfA).matrix(rows: rows, columns: depth.length, leadingDimension: gap),
                runs: depth.runs, runStride: stride,
                packs ? .packed(panels, rows: total, columns: columns) : .plain(plain),
                into: result.matrix(rows: rows, columns: columns),
                scratch: memory.view(count: DirectProduct.scratchCount), with: kernels(path))
            expectEqual(result.array, product)
        }
    }

    @Test("small products are not lost on a large number that is added last", arguments: paths)
    func addedLast(path: UInt32) {
        withMemory { memory in
            let large: Float = 0x1p24
            func sum(last: Bool) -> Float {
                let result = memory.view([large])
                DirectProduct.multiply(
                    memory.view([1, 1, 1, 1]).matrix(rows: 1, columns: 4),
                    .plain(memory.view([1, 1, 1, 1]).matrix(rows: 4, columns: 1)),
                    into: result.matrix(rows: 1, columns: 1), adding: true, last: last,
                    scratch: memory.view(count: DirectProduct.scratchCount), with: kernels(path))
                return result.array[0]
            }
            #expect(sum(last: false) == large)
            #expect(sum(last: true) == large + 4)
        }
    }

    @Test("a NaN stays one under a ReLU", arguments: paths)
    func rectifiedNaN(path: UInt32) {
        withMemory { memory in
            let result = memory.view([Float](repeating: 0, count: 16))
            DirectProduct.multiply(
                memory.view([.nan]).matrix(rows: 1, columns: 1),
                .plain(memory.view([Float](repeating: 1, count: 16)).matrix(rows: 1, columns: 16)),
                into: result.matrix(rows: 1, columns: 16), rectifying: true,
                scratch: memory.view(count: DirectProduct.scratchCount), with: kernels(path))
            #expect(result.array.allSatisfy { $0.isNaN })
        }
    }

    private func kernels(_ path: UInt32) -> apus_kernels {
        apus_kernels_for(apus_isa(rawValue: path)).pointee
    }
}
