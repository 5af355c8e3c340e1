import ApusData
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining

/// Runs steps of a network on generated images, and accounts for the time of each thread.
struct ProfileRun {
    private static let warmUpSteps = 3
    private static let leastSteps = 3
    private static let seconds = 2.0

    let network: Network
    let batchSize: Int
    let threads: Int?
    /// Whether steps compute gradients and update the parameters.
    let isTraining: Bool
    /// Nil for as many as fit into a time.
    let steps: Int?

    /// - Throws: `PlanningError` where the batch is too large, `AllocationError` where memory runs out.
    func report(model: any Model) throws -> ProfileReport {
        let executor = try Executor(
            network, batchSize: batchSize, workers: Workers(count: threads), isTraining: isTraining)
        let images = try GeneratedImages(network.input, classes: model.classes, batchSize: batchSize)
        let step = try step(of: executor, on: images)
        // Before the steps, which heat the processor.
        let roof = Machine.measureFusedMultiplyAdd()
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
            step: ProfileReport.Step(
                count: count, seconds: seconds / Double(count), threads: executor.workers.count,
                gigaflopsOfOneThread: roof))
    }

    private func step(of executor: Executor, on images: GeneratedImages) throws -> () -> Void {
        guard isTraining else {
            return {
                images.start += batchSize
                _ = executor.infer(images, count: batchSize)
            }
        }
        let optimizer = SGD(learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4)
        let updater = try ParameterUpdater(executor, optimizer, clipNorm: nil)
        var number = 0
        return {
            images.start += batchSize
            _ = executor.computeGradients(
                images, count: batchSize, loss: SoftmaxCrossEntropy(), seed: 1, step: number)
            number += 1
            updater.apply(step: number, rate: optimizer.learningRate)
        }
    }
}

/// A few megabytes of generated images, over and over.
private final class GeneratedImages: BatchSource, @unchecked Sendable {
    private let images: DatasetBatch
    private let count: Int
    /// The place of the batch's first image. To be set between batches.
    var start = 0

    init(_ shape: Shape, classes: Int, batchSize: Int) throws {
        count = max(1, min(100 * batchSize, (16 << 20) / shape.count))
        let data = try ImageDataset.synthetic(
            count: count, shape: shape, classes: classes, seed: 1, split: "train")
        images = try DatasetBatch(
            data,
            normalization: Normalization(
                mean: [Double](repeating: 0.5, count: shape.channels),
                deviation: [Double](repeating: 0.25, count: shape.channels)))
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        images.load((start + position) % count, into: tensor, at: index)
    }

    func label(at position: Int) -> Int { images.label(at: (start + position) % count) }
}
