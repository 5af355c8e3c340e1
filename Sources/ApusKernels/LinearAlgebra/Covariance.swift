/// The means of several features over samples, and how the features vary together, in double precision.
public struct Covariance: Sendable, Hashable {
    /// Samples.
    public let count: Int
    public let mean: [Double]
    /// The products of deviations from the means, summed over the samples: `[features, features]`, symmetric.
    public let scatter: [Double]

    public init(count: Int, mean: [Double], scatter: [Double]) {
        precondition(count >= 0 && scatter.count == mean.count * mean.count)
        self.count = count
        self.mean = mean
        self.scatter = scatter
    }

    public var features: Int { mean.count }

    /// The scatter divided by the number of samples, `[features, features]`.
    public var matrix: [Double] { scatter.map { $0 / Double(max(count, 1)) } }

    /// What the samples of both come to (Chan, Golub and LeVeque, 1983, "Algorithms for computing the sample
    /// variance").
    public static func + (first: Covariance, second: Covariance) -> Covariance {
        precondition(first.features == second.features)
        guard first.count > 0 else { return second }
        guard second.count > 0 else { return first }
        let (order, count) = (first.features, first.count + second.count)
        let share = Double(second.count) / Double(count)
        let shift = zip(first.mean, second.mean).map { $1 - $0 }
        var scatter = first.scatter
        for row in 0..<order {
            for column in 0..<order {
                scatter[row * order + column] +=
                    second.scatter[row * order + column]
                    + Double(first.count) * share * (shift[row] * shift[column])
            }
        }
        return Covariance(
            count: count, mean: zip(first.mean, shift).map { $0 + share * $1 }, scatter: scatter)
    }
}

/// Sums up samples, a block of them at a time, to their covariance, in one pass.
///
/// Numbers are taken as their distance from the first sample, so that a feature which never changes has a variance of
/// exactly zero, and no digits are lost to a mean far from zero. The bits depend on the samples and the blocks they
/// come in, not on the number of threads. Calls must not overlap: only the workers of one share it.
package final class CovarianceSums: @unchecked Sendable {
    package let features: Int
    package private(set) var count = 0

    private let products: GramMatrix
    private let sums: DoubleBuffer
    /// Of the samples that are added now, their distance from the first one ever.
    private let block: DoubleBuffer
    private var first: [Float] = []

    /// Samples that are converted at once.
    private static let blockRows = 256
    /// Features of a job that converts.
    private static let columnsOfJob = 64

    /// - Throws: `AllocationError` where memory runs out.
    package init(features: Int) throws {
        self.features = features
        products = try GramMatrix(order: features)
        sums = try DoubleBuffer(count: features)
        block = try DoubleBuffer(count: Self.blockRows * features)
    }

    /// Adds samples, `[samples, features]`.
    package func add(_ samples: MatrixView, workers: Workers) {
        precondition(samples.columns == features && !samples.isTransposed)
        guard samples.rows > 0 else { return }
        if first.isEmpty {
            first = (0..<features).map { unsafe samples.base[$0] }
        }
        for start in stride(from: 0, to: samples.rows, by: Self.blockRows) {
            let rows = samples.rows(start..<min(start + Self.blockRows, samples.rows))
            workers.run(jobs: (features + Self.columnsOfJob - 1) / Self.columnsOfJob) { [self] job, _ in
                let first = job * Self.columnsOfJob
                convert(rows, columns: first..<min(first + Self.columnsOfJob, features))
            }
            products.add(block, count: rows.rows, workers: workers)
            count += rows.rows
        }
    }

    private func convert(_ samples: MatrixView, columns: Range<Int>) {
        for row in 0..<samples.rows {
            let source = unsafe samples.base + row * samples.leadingDimension
            let target = unsafe block.base + row * features
            for column in columns {
                let value = unsafe Double(source[column]) - Double(first[column])
                unsafe target[column] = value
                unsafe sums.base[column] += value
            }
        }
    }

    /// What has been added so far.
    package var covariance: Covariance {
        guard count > 0 else {
            return Covariance(
                count: 0, mean: Array(repeating: 0, count: features),
                scatter: Array(repeating: 0, count: features * features))
        }
        let distances = sums.array.map { $0 / Double(count) }
        var scatter = products.array
        for row in 0..<features {
            for column in 0..<features {
                scatter[row * features + column] -= Double(count) * (distances[row] * distances[column])
            }
        }
        return Covariance(
            count: count, mean: zip(first, distances).map { Double($0) + $1 }, scatter: scatter)
    }
}
