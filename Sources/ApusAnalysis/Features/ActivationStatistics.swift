import ApusData
import ApusKernels
import ApusNN
import ApusTraining
import Synchronization

/// What the outputs of each layer of a network come to over the images of a dataset.
public struct ActivationStatistics: Sendable, Hashable, Codable {
    public let images: Int
    /// All that have a name, containers before what is inside them.
    public let layers: [LayerStatistics]
}

/// What the outputs of a layer come to over many images.
public struct LayerStatistics: Sendable, Hashable, Codable {
    /// The path in the network.
    public let layer: String
    public let kind: String
    /// The output of one image: `[height, width, channels]`, or `[features]` for a vector.
    public let output: [Int]
    /// Of the finite outputs, as the others here; nil where there are none.
    public let mean: Double?
    /// The square root of the mean squared distance from the mean.
    public let deviation: Double?
    public let least: Double?
    public let greatest: Double?
    /// The share of outputs that are exactly zero.
    public let zeroShare: Double
    /// Outputs that are not finite.
    public let notFinite: Int
    /// Channels of maps, or features of a vector.
    public let units: Int
    /// The units that are above zero nowhere in any image, by their numbers, after a ReLU, or wherever else no output is
    /// negative; nil for other layers. Such a unit tells images of this kind apart no more, and a ReLU's learns no more.
    public let deadUnits: [Int]?
}

extension Classifier {
    /// The statistics of each layer's outputs over a dataset.
    ///
    /// Means and deviations are summed in double precision, shard by shard in the order of the images, so that they have
    /// the same bits for any number of threads.
    ///
    /// - Parameters:
    ///   - images: the most images to look at, taken at equal distances; by default all.
    ///   - threads: by default as many as the process may use.
    /// - Throws: `ClassifierError` where the images or the classes are not the classifier's; what keeps an image from being
    ///   read; `AllocationError`.
    public func activationStatistics(
        of data: any Dataset, images: Int? = nil, batchSize: Int = 64, threads: Int? = nil
    ) throws -> ActivationStatistics {
        let data = images.map { $0 < data.count ? ThinnedDataset(data, to: $0) : data } ?? data
        let run = try ObservedRun(self, data, batchSize: batchSize, threads: threads)
        let sums = OutputSums()
        run.executor.observer = { sums.add($1, of: $0, firstImage: $2) }
        try run.forEachBatch { _ in sums.endBatch() }
        return ActivationStatistics(
            images: data.count,
            layers: run.executor.network.namedLayers.compactMap { sums.statistics(of: $0) })
    }
}

/// Sums over the outputs of layers.
private final class OutputSums: Sendable {
    private struct State {
        /// Of the batch under way, by layer and first image.
        var parts: [String: [Int: OutputSum]] = [:]
        var sums: [String: OutputSum] = [:]
    }

    private let state = Mutex(State())

    func add(_ output: Tensor, of layer: PlannedLayer, firstImage: Int) {
        let part = OutputSum(output)
        state.withLock { $0.parts[layer.path, default: [:]][firstImage] = part }
    }

    /// Adds the parts of a batch in the order of its images.
    func endBatch() {
        state.withLock { state in
            for (path, parts) in state.parts {
                for (_, part) in parts.sorted(by: { $0.key < $1.key }) {
                    state.sums[path] = state.sums[path]?.joined(part) ?? part
                }
            }
            state.parts = [:]
        }
    }

    func statistics(of layer: PlannedLayer) -> LayerStatistics? {
        guard let sum = state.withLock({ $0.sums[layer.path] }) else { return nil }
        let isFinite = sum.count > 0
        let total = sum.count + sum.notFinite
        let shape = layer.output
        return LayerStatistics(
            layer: layer.path, kind: layer.layer.kind,
            output: shape.isVector ? [shape.channels] : shape.extents,
            mean: isFinite ? sum.mean : nil,
            deviation: isFinite ? (sum.squares / Double(sum.count)).squareRoot() : nil,
            least: isFinite ? Double(sum.least) : nil, greatest: isFinite ? Double(sum.greatest) : nil,
            zeroShare: Double(sum.zeros) / Double(max(1, total)), notFinite: sum.notFinite,
            units: shape.channels,
            deadUnits: isFinite && sum.least >= 0
                ? sum.unitGreatest.indices.filter { sum.unitGreatest[$0] <= 0 } : nil)
    }
}

/// Sums over some outputs.
private struct OutputSum {
    /// The finite ones.
    private(set) var count = 0
    private(set) var mean = 0.0
    /// Of the distances from the mean, squared.
    private(set) var squares = 0.0
    private(set) var least = Float.infinity
    private(set) var greatest = -Float.infinity
    private(set) var zeros = 0
    private(set) var notFinite = 0
    /// The greatest output of each unit, infinite where one is infinite or none.
    private(set) var unitGreatest: [Float]

    init(_ output: Tensor) {
        let values = output.channelsFirstArray
        let (units, pixels) = (output.shape.channels, output.shape.pixels)
        unitGreatest = [Float](repeating: -.infinity, count: units)
        var sum = 0.0
        for row in 0..<output.batch * units {
            var top = -Float.infinity
            for value in values[row * pixels..<(row + 1) * pixels] {
                // A unit that gives no number is not dead.
                guard value.isFinite else {
                    notFinite += 1
                    top = .infinity
                    continue
                }
                sum += Double(value)
                top = max(top, value)
                least = min(least, value)
                if value == 0 { zeros += 1 }
            }
            let unit = row % units
            unitGreatest[unit] = max(unitGreatest[unit], top)
        }
        count = values.count - notFinite
        guard count > 0 else { return }
        mean = sum / Double(count)
        for value in values where value.isFinite {
            let distance = Double(value) - mean
            squares += distance * distance
            greatest = max(greatest, value)
        }
    }

    /// The sums over these outputs and others (Chan, Golub and LeVeque, 1979, "Updating formulae and a pairwise algorithm
    /// for computing sample variances").
    func joined(_ other: OutputSum) -> OutputSum {
        var both = self
        both.count += other.count
        if both.count > 0 {
            let (share, distance) = (Double(other.count) / Double(both.count), other.mean - mean)
            both.mean += distance * share
            both.squares += other.squares + distance * distance * Double(count) * share
        }
        both.least = min(least, other.least)
        both.greatest = max(greatest, other.greatest)
        both.zeros += other.zeros
        both.notFinite += other.notFinite
        for unit in unitGreatest.indices {
            both.unitGreatest[unit] = max(unitGreatest[unit], other.unitGreatest[unit])
        }
        return both
    }
}
