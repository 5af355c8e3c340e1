import Apus
import BenchmarkResults
import Foundation

/// Whole epochs of training, with their shuffling and loading, and the same number of steps on one batch that lies
/// ready as floats, in turn: does data keep the threads that compute waiting?
struct EpochBenchmark: Benchmark {
    /// Where the images come from.
    enum Feed {
        /// Fashion-MNIST's bytes in memory, or generated ones where it is not installed.
        case memory
        /// A place that takes a millisecond for each, and no core; loaders wait for it, or nobody but the workers.
        case waiting(loaders: Int)
    }

    struct Result: BenchmarkResult {
        static let group = "epoch"
        static let title = "Whole epochs"
        static let columns = ["ready", "epoch", "share", "spread", "allocations"]

        let name: String
        let batchSize: Int
        let threads: Int
        /// On the batch that is ready.
        let readyImagesPerSecond: MeasuredRate
        let imagesPerSecond: MeasuredRate
        /// The rounds' ratios of the two.
        let shares: MeasuredRate
        /// Of a step after an epoch's first; nil where they are not counted.
        let allocationsPerStep: Double?

        var rates: [NamedRate] { [NamedRate(name, imagesPerSecond)] }

        func cells(_ header: Report.Header, after previous: Result?) -> [String] {
            [
                Text.number(readyImagesPerSecond.median), Text.number(imagesPerSecond.median),
                Text.percent(shares.median), Text.percent(shares.spread),
                allocationsPerStep.map(Text.count) ?? "-",
            ]
        }
    }

    let name: String
    let model: any Model.Type
    let batchSize: Int
    let feed: Feed
    let threads: Int

    /// - Parameter threads: of training.
    static func all(threads: Int) -> [EpochBenchmark] {
        func benchmark(
            _ model: any Model.Type, _ name: String, batchSize: Int, _ feed: Feed
        ) -> EpochBenchmark {
            EpochBenchmark(
                name: Result.name(model.name, name), model: model, batchSize: batchSize, feed: feed,
                threads: threads)
        }
        return [
            benchmark(LeNet5.self, "memory", batchSize: 64, .memory),
            benchmark(LeNet5Tutorial.self, "waiting", batchSize: 128, .waiting(loaders: 32)),
            benchmark(LeNet5Tutorial.self, "waiting-no-loaders", batchSize: 128, .waiting(loaders: 0)),
        ]
    }

    func run(_ effort: Effort) throws -> Result {
        // As many as are asked for: an epoch is longer than a round, but each is a measurement of its own.
        let rounds = effort.rounds(ofSeconds: 0)
        let data = try images()
        let configuration = TrainingConfiguration(
            epochs: rounds + 1, batchSize: batchSize, optimizer: SGD(learningRate: 0.001, momentum: 0.9),
            schedule: .constant)
        let trainer = try trainer(on: data, configuration)
        let ready = try ReadySteps(classifier(for: data).network, data, configuration, threads: threads)
        var (epochs, steps): ([Double], [Double]) = ([], [])
        var (steadySteps, allocations) = (0, 0)
        try trainer.fit(
            onStep: { progress in
                let allocated = Allocations.stop()
                defer { Allocations.start() }
                if progress.stepInEpoch > 1 {
                    steadySteps += 1
                    allocations += allocated
                }
                return true
            },
            onEpoch: { epoch in
                epochs.append(epoch.imagesPerSecond)
                steps.append(ready.imagesPerSecond(steps: trainer.stepsPerEpoch))
                return true
            })
        // The first round warms up.
        return Result(
            name: name, batchSize: batchSize, threads: threads,
            readyImagesPerSecond: MeasuredRate(rates: Array(steps.dropFirst())),
            imagesPerSecond: MeasuredRate(rates: Array(epochs.dropFirst())),
            shares: MeasuredRate(rates: zip(epochs, steps).dropFirst().map { $0 / $1 }),
            allocationsPerStep: Allocations.areCounted
                ? Double(allocations) / Double(steadySteps) : nil)
    }

    private func classifier(for data: DatasetSplits) throws -> Classifier {
        try Classifier(model.init(classes: data.train.classCount), for: data, seed: 1)
    }

    private func trainer(on data: DatasetSplits, _ configuration: TrainingConfiguration) throws -> Trainer {
        switch feed {
        case .memory: try Trainer(classifier(for: data), on: data, configuration, threads: threads)
        case .waiting(let loaders):
            try Trainer(
                classifier(for: data), on: WaitingImages(data, loaders: loaders), test: data.test,
                configuration, threads: threads)
        }
    }

    /// The images of an epoch, and one to test on.
    private func images() throws -> DatasetSplits {
        let splits: DatasetSplits
        do {
            splits = try DatasetSpecification(parsing: "fashion-mnist").load()
        } catch DataError.missingFolder {
            splits = try DatasetSpecification.synthetic(count: 60_000).load()
        }
        let count =
            switch feed {
            case .memory: splits.train.count
            case .waiting: 50 * batchSize
            }
        return try DatasetSplits(
            train: splits.train.inMemory.prefix(count), test: splits.test.inMemory.prefix(1),
            normalization: splits.normalization)
    }
}

/// Steps on one batch of floats, over and over.
private final class ReadySteps {
    private let executor: Executor
    private let updater: ParameterUpdater
    private let batch: ReadyBatch
    private let rate: Double
    private var step = 0

    init(
        _ network: Network, _ data: DatasetSplits, _ configuration: TrainingConfiguration, threads: Int
    ) throws {
        executor = try Executor(
            network, batchSize: configuration.batchSize, workers: Workers(count: threads))
        updater = try ParameterUpdater(executor, configuration.optimizer, clipNorm: nil)
        batch = try ReadyBatch(data, count: configuration.batchSize)
        rate = configuration.optimizer.learningRate
    }

    func imagesPerSecond(steps: Int) -> Double {
        let elapsed = ContinuousClock().measure {
            for _ in 0..<steps {
                _ = executor.computeGradients(
                    batch, count: executor.batchSize, loss: SoftmaxCrossEntropy(), step: step)
                step += 1
                updater.apply(step: step, rate: rate)
            }
        }
        return Double(steps * executor.batchSize) / (elapsed / .seconds(1))
    }
}

/// A dataset's first images, ready as floats.
private final class ReadyBatch: BatchSource, @unchecked Sendable {
    private let memory: FloatBuffer
    private let images: Tensor
    private let labels: [Int]

    init(_ data: DatasetSplits, count: Int) throws {
        let train = data.train.inMemory
        let shape = train.shape
        memory = try FloatBuffer(count: count * shape.count)
        images = Tensor(memory.view, batch: count, shape: shape, layout: .channelsFirst)
        let bytes = try DatasetBatch(train, normalization: data.normalization)
        for position in 0..<count { bytes.load(position, into: images, at: position) }
        labels = (0..<count).map(bytes.label(at:))
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        tensor.copy(index, from: images, position)
    }

    func label(at position: Int) -> Int { labels[position] }
}

/// A dataset's images, each after a millisecond in which nothing is computed.
private struct WaitingImages: ImageSource {
    let name = "waiting"
    let loaders: Loaders
    private let dataset: ImageDataset
    private let batch: DatasetBatch

    init(_ data: DatasetSplits, loaders: Int) throws {
        self.loaders = .waiting(loaders)
        dataset = data.train.inMemory
        batch = try DatasetBatch(dataset, normalization: data.normalization)
    }

    var count: Int { dataset.count }
    var shape: Shape { dataset.shape }
    var classCount: Int { dataset.classCount }
    func label(of image: Int) -> Int { batch.label(at: image) }

    func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) {
        Thread.sleep(forTimeInterval: 1e-3)
        batch.load(image, into: tensor, at: index)
    }
}
