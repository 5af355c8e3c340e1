import ApusData
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining

/// Runs steps of a network on generated images, and accounts for the time of each thread.
public struct ProfileRun {
    private static let warmUpSteps = 3
    private static let leastSteps = 3
    private static let seconds = 2.0

    private let network: Network
    private let model: any Model
    private let batchSize: Int
    private let threads: Int?
    private let isTraining: Bool
    private let steps: Int?

    /// - Parameters:
    ///   - network: of `model`.
    ///   - threads: by default as many as the process may use.
    ///   - isTraining: whether steps compute gradients and update the parameters, by SGD with momentum.
    ///   - steps: to measure; by default as many as two seconds take, and at least three.
    public init(
        _ network: Network, of model: any Model, batchSize: Int, threads: Int? = nil, isTraining: Bool = true,
        steps: Int? = nil
    ) {
        self.network = network
        self.model = model
        self.batchSize = batchSize
        self.threads = threads
        self.isTraining = isTraining
        self.steps = steps
    }

    /// Measures the machine and then the steps.
    ///
    /// - Parameter roof: of as many threads, where it has been measured already.
    /// - Throws: `PlanningError` where the batch is too large, `AllocationError` where memory runs out.
    public func report(roof: MachineRoof? = nil) throws -> ProfileReport {
        let workers = Workers(count: threads)
        let executor = try Executor(network, batchSize: batchSize, workers: workers, isTraining: isTraining)
        let images = try generatedImages()
        let step = try step(of: executor, on: images)
        // Before the steps, which heat the processor.
        let roof = try roof ?? MachineRoof.measured(on: workers)
        for _ in 0..<Self.warmUpSteps { step() }

        executor.isProfiling = true
        var count = 0
        var seconds = 0.0
        let start = ContinuousClock.now
        repeat {
            step()
            count += 1
            seconds = (ContinuousClock.now - start) / .seconds(1)
        } while steps.map { count < $0 } ?? (count < Self.leastSteps || seconds < Self.seconds)
        return ProfileReport(
            executor.profile!, of: network, model: model, isTraining: isTraining, batchSize: batchSize,
            shardSize: try network.summary(batchSize: batchSize).shardSize,
            step: ProfileReport.Step(
                count: count, seconds: seconds / Double(count), threads: workers.count),
            roof: roof)
    }

    /// A hundred batches, but no more than 16 MB, or two where these are larger.
    private func generatedImages() throws -> DatasetBatch {
        let shape = network.input
        let batches = max(2, min(100, (16 << 20) / (batchSize * shape.count)))
        let data = try ImageDataset.synthetic(
            count: batches * batchSize, shape: shape, classes: model.classes, seed: 1, split: "train")
        return try DatasetBatch(
            data,
            normalization: Normalization(
                mean: [Double](repeating: 0.5, count: shape.channels),
                deviation: [Double](repeating: 0.25, count: shape.channels)))
    }

    private func step(of executor: Executor, on images: DatasetBatch) throws -> () -> Void {
        func next() { images.start = (images.start + batchSize) % images.count }
        guard isTraining else {
            return {
                next()
                _ = executor.infer(images, count: batchSize)
            }
        }
        let optimizer = SGD(learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4)
        let updater = try ParameterUpdater(executor, optimizer, clipNorm: nil)
        var number = 0
        return {
            next()
            _ = executor.computeGradients(
                images, count: batchSize, loss: SoftmaxCrossEntropy(), seed: 1, step: number)
            number += 1
            updater.apply(step: number, rate: optimizer.learningRate)
        }
    }
}
