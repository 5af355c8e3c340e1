import Apus
import BenchmarkResults

/// A whole network at work: steps of training, with loading a shuffled batch, forward, backward and update; or
/// inference, with loading and forward.
struct NetworkBenchmark: Benchmark {
    enum Work: String, CaseIterable {
        case train, infer
    }

    struct Result: BenchmarkResult {
        static let group = "network"
        static let title = "Networks"
        static let columns = ["images/s", "spread", "allocations", "planned", "peak"]

        let name: String
        let batchSize: Int
        let threads: Int
        let imagesPerSecond: MeasuredRate
        /// Allocations of a steady step, neither the first one nor at an epoch's ends; nil where they are not counted.
        let allocationsPerStep: Double?
        /// Bytes of parameters, gradients, activations, scratch, and what the optimiser remembers.
        let plannedBytes: Int
        /// The most bytes that the process held, the images it was fed included; nil where the system does not say.
        let peakBytes: Int?

        var rates: [NamedRate] { [NamedRate(name, imagesPerSecond)] }

        func cells(_ header: Report.Header, after previous: Result?) -> [String] {
            [
                Text.number(imagesPerSecond.median), Text.percent(imagesPerSecond.spread),
                allocationsPerStep.map(Text.count) ?? "-", Text.memory(plannedBytes),
                peakBytes.map(Text.memory) ?? "-",
            ]
        }
    }

    let name: String
    let workload: Workload
    let work: Work
    let batchSize: Int
    let threads: Int

    /// All models of the catalogue, for training and inference.
    static func all(batchSizes: [Int], threads: [Int]) -> [NetworkBenchmark] {
        Workload.models.flatMap { workload in
            Work.allCases.flatMap { work in
                batchSizes.flatMap { batch in
                    threads.map { threads in
                        NetworkBenchmark(
                            name: Result.name(
                                workload.name, work.rawValue, "batch-\(batch)", "threads-\(threads)"),
                            workload: workload, work: work, batchSize: batch, threads: threads)
                    }
                }
            }
        }
    }

    func run(_ effort: Effort) throws -> Result {
        let network = try workload.plan()
        let data = try images(for: network)
        let peak = PeakMemory()
        let clock = StepClock(images: batchSize, effort)
        let memory =
            switch work {
            case .train: try train(network, data, clock)
            case .infer: try infer(network, data, clock)
            }
        return Result(
            name: name, batchSize: batchSize, threads: threads,
            imagesPerSecond: MeasuredRate(rates: clock.rates), allocationsPerStep: clock.allocationsPerStep,
            plannedBytes: memory.totalBytes, peakBytes: peak.bytes)
    }

    private func train(_ network: Network, _ data: DatasetSplits, _ clock: StepClock) throws
        -> MemoryUse
    {
        let classifier = try Classifier(
            modelName: workload.name, network: network,
            classNames: (0..<network.output.channels).map { "class \($0)" }, normalization: data.normalization
        )
        let trainer = try Trainer(
            classifier, on: data,
            TrainingConfiguration(
                epochs: 1 << 30, batchSize: batchSize, optimizer: workload.optimizer, schedule: .constant),
            threads: threads)
        // An epoch's end, with a test of one image, lies before the first step of the next.
        try trainer.fit(onStep: { clock.stepEnded(isSteady: $0.stepInEpoch > 1) })
        return trainer.memory
    }

    private func infer(_ network: Network, _ data: DatasetSplits, _ clock: StepClock) throws
        -> MemoryUse
    {
        let batch = try DatasetBatch(data.train.inMemory, normalization: data.normalization)
        let executor = try Executor(
            network, batchSize: batchSize, workers: Workers(count: threads), isTraining: false)
        repeat {
            batch.start = (batch.start + batchSize) % data.train.count
            _ = executor.infer(batch, count: batchSize)
        } while clock.stepEnded()
        return executor.memory
    }

    /// A hundred batches, but no more than a few megabytes of images.
    private func images(for network: Network) throws -> DatasetSplits {
        let shape = network.input
        let batches = max(2, min(100, (16 << 20) / (batchSize * shape.count)))
        // Few patterns: drawing one for each of a thousand classes would take longer than training.
        func split(_ name: String, _ count: Int) throws -> ImageDataset {
            try ImageDataset.synthetic(count: count, shape: shape, classes: 10, seed: 1, split: name)
        }
        return try DatasetSplits(
            train: split("train", batches * batchSize), test: split("test", 1),
            normalization: Normalization(
                mean: [Double](repeating: 0.5, count: shape.channels),
                deviation: [Double](repeating: 0.25, count: shape.channels)))
    }
}

extension Dataset {
    /// The dataset, which a benchmark keeps in memory.
    var inMemory: ImageDataset {
        guard let images = self as? ImageDataset else { preconditionFailure("\(name) is not in memory") }
        return images
    }
}

/// A network to run, and what trains it.
struct Workload: Sendable {
    let name: String
    var optimizer: any Optimizer = SGD(learningRate: 1e-4, momentum: 0.9)
    let plan: @Sendable () throws -> Network

    /// The models of the catalogue, with the optimisers they are usually trained with; slowly, so that no batch makes
    /// them diverge.
    static let models: [Workload] = ModelCatalog.models.map { type in
        let name = type.name
        let plan = { @Sendable in try Network(type.init(classes: type.defaultClasses)) }
        return name == LeNet5Tutorial.name
            ? Workload(name: name, optimizer: Adam(learningRate: 1e-4), plan: plan)
            : Workload(name: name, plan: plan)
    }
}

/// Times steps in rounds, and counts their allocations, from one step's end to the next.
private final class StepClock {
    private(set) var rates: [Double] = []
    private let images: Int
    private let effort: Effort
    private var rounds: Int?
    private var stepsOfRound = 0
    private var start = ContinuousClock.now
    private var countedSteps = 0
    private var allocations = 0

    /// - Parameter images: of a step.
    init(images: Int, _ effort: Effort) {
        self.images = images
        self.effort = effort
    }

    var allocationsPerStep: Double? {
        Allocations.areCounted && countedSteps > 0 ? Double(allocations) / Double(countedSteps) : nil
    }

    /// Takes note of a step, and says whether there is to be another.
    ///
    /// - Parameter isSteady: whether the step's allocations count.
    func stepEnded(isSteady: Bool = true) -> Bool {
        let allocated = Allocations.stop()
        defer { Allocations.start() }
        stepsOfRound += 1
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        if rounds != nil, isSteady {
            countedSteps += 1
            allocations += allocated
        }
        guard elapsed >= effort.seconds else { return true }
        if rounds == nil {
            // The first round, or the first step where that is longer, warms up.
            rounds = effort.rounds(ofSeconds: elapsed / Double(stepsOfRound))
        } else {
            rates.append(Double(images * stepsOfRound) / elapsed)
        }
        stepsOfRound = 0
        start = .now
        return rates.count < rounds ?? 1
    }
}
