/// The products of features summed over samples, `XᵀX`, in double precision.
///
/// The result is cut into tiles, each of which takes the samples in their order: the bits are the same for any
/// number of threads.
final class GramMatrix: @unchecked Sendable {
    let order: Int
    /// Row-major; what lies below the tiles of the diagonal is not computed.
    private let sums: DoubleBuffer
    private let tiles: [Tile]

    private struct Tile {
        let rows: Range<Int>
        let columns: Range<Int>
    }

    private static let tileExtent = 128

    /// - Throws: `AllocationError` where memory runs out.
    init(order: Int) throws {
        precondition(order > 0)
        self.order = order
        sums = try DoubleBuffer(count: order * order)
        let runs = stride(from: 0, to: order, by: Self.tileExtent).map {
            $0..<min($0 + Self.tileExtent, order)
        }
        tiles = runs.indices.flatMap { row in
            runs[row...].map { Tile(rows: runs[row], columns: $0) }
        }
    }

    /// Adds the products of the first `count` samples of `samples`, `[count, order]`.
    func add(_ samples: DoubleBuffer, count: Int, workers: Workers) {
        precondition(count >= 0 && count * order <= samples.count)
        guard count > 0 else { return }
        workers.run(jobs: tiles.count) { [self] job, _ in
            let (rows, columns) = (tiles[job].rows, tiles[job].columns)
            unsafe OpenBLAS.addTransposedProduct(
                samples.base + rows.lowerBound, samples.base + columns.lowerBound,
                to: sums.base + rows.lowerBound * order + columns.lowerBound,
                rows: rows.count, columns: columns.count, depth: count, leadingDimension: order)
        }
    }

    /// The whole matrix, `[order, order]`, symmetric to the last bit.
    var array: [Double] {
        var matrix = sums.array
        for row in 0..<order {
            for column in 0..<row { matrix[row * order + column] = matrix[column * order + row] }
        }
        return matrix
    }
}
