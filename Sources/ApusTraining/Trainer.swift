import ApusData
import ApusKernels
import ApusNN
import Foundation

/// How far a run is.
public struct TrainingProgress: Sendable, Hashable, Codable {
    /// Epochs completed.
    public var epoch = 0
    /// Steps taken in the epoch under way, and in all.
    public var stepInEpoch = 0
    public var step = 0
    /// Sums over the images seen in the epoch under way.
    public var images = 0
    public var lossSum = 0.0
    public var correct = 0
    /// Time spent in the epoch under way.
    public var seconds = 0.0

    public init() {}
}

/// Trains a classifier, step by step, so that a run can stop and go on at any step with the same bits.
public final class Trainer {
    public enum Ending: Sendable, Hashable {
        case completed
        /// A callback asked to stop.
        case stopped
    }

    public let classifier: Classifier
    public let configuration: TrainingConfiguration
    public let workers: Workers
    public private(set) var progress = TrainingProgress()
    /// What each completed epoch came to.
    public private(set) var history: [EpochRecord] = []

    private let batch: any EpochBatch
    private let executor: Executor
    private let updater: ParameterUpdater
    private let evaluator: Evaluator

    /// Allocates everything a run takes. What does not lie in memory is loaded ahead.
    ///
    /// - Parameters:
    ///   - threads: by default as many as the process may use; the result does not depend on it.
    /// - Throws: `ClassifierError`, `OptimizerError` or `TrainingError` where the parts do not fit.
    public convenience init(
        _ classifier: Classifier, on data: DatasetSplits,
        _ configuration: TrainingConfiguration = TrainingConfiguration(), threads: Int? = nil
    ) throws {
        guard let train = data.train as? ImageDataset else {
            let images = try DatasetSource(data.train, classifier.preprocessing)
            try self.init(classifier, on: images, test: data.test, configuration, threads: threads)
            return
        }
        try configuration.check()
        try classifier.check(train)
        try self.init(
            classifier, on: DatasetBatch(train, classifier.preprocessing), test: data.test, configuration,
            Workers(count: threads))
    }

    /// Allocates everything a run takes that learns from images loaded ahead (see `RunAheadBatch`).
    ///
    /// - Parameters:
    ///   - images: come as the network's input.
    ///   - threads: that compute, loaders included; by default as many as the process may use. The result does not
    ///     depend on it.
    /// - Throws: `ClassifierError`, `OptimizerError`, `TrainingError` or `DataError` where the parts do not fit.
    public convenience init(
        _ classifier: Classifier, on images: any ImageSource, test: any Dataset,
        _ configuration: TrainingConfiguration = TrainingConfiguration(), threads: Int? = nil
    ) throws {
        try configuration.check()
        try classifier.check(images)
        let shares = images.loaders.shares(of: max(1, threads ?? Machine.usableThreads))
        let workers = Workers(count: shares.workers)
        let batch = try RunAheadBatch(
            images, batchSize: min(configuration.batchSize, images.count), layout: classifier.network.layout,
            loaders: shares.loaders, workers: workers)
        try self.init(classifier, on: batch, test: test, configuration, workers)
    }

    private init(
        _ classifier: Classifier, on batch: any EpochBatch, test: any Dataset,
        _ configuration: TrainingConfiguration, _ workers: Workers
    ) throws {
        try configuration.loss.check(classifier.network.output)
        self.classifier = classifier
        self.configuration = configuration
        self.batch = batch
        self.workers = workers
        executor = try Executor(
            classifier.network, batchSize: min(configuration.batchSize, batch.count),
            microBatch: configuration.microBatch, workers: workers)
        updater = try ParameterUpdater(
            executor, configuration.optimizer, clipNorm: configuration.clipNorm)
        evaluator = try Evaluator(
            classifier, test, loss: configuration.loss, batchSize: 256, workers: workers)
    }

    /// Steps of an epoch; the last one may be of fewer images.
    public var stepsPerEpoch: Int { (batch.count + executor.batchSize - 1) / executor.batchSize }

    /// Images of an epoch.
    public var imagesPerEpoch: Int { batch.count }

    /// Memory that steps of training take.
    public var memory: MemoryUse {
        var memory = executor.memory
        memory.activationBytes += batch.bytesAhead
        memory.optimizerBytes = 4 * updater.state.count
        return memory
    }

    /// Trains until all epochs are done or a callback says stop.
    ///
    /// - Parameters:
    ///   - onStep: is told after each step how far the run is; false stops the run there.
    ///   - onEpoch: is told after each epoch, its test included, what it came to; false stops the run there.
    /// - Throws: `TrainingError.diverged` where the loss or the parameters are no longer finite, what kept an image
    ///   from being loaded, and what the callbacks throw.
    @discardableResult
    public func fit(
        onStep: ((TrainingProgress) throws -> Bool)? = nil,
        onEpoch: ((EpochRecord) throws -> Bool)? = nil
    ) throws -> Ending {
        while progress.epoch < configuration.epochs {
            guard try trainEpoch(onStep) else { return .stopped }
            let record = try completeEpoch()
            if let onEpoch, try !onEpoch(record) { return .stopped }
        }
        return .completed
    }

    /// The learning rate of a step, counted from 0.
    public func rate(at step: Int) -> Double {
        configuration.schedule.rate(
            at: step, of: configuration.epochs * stepsPerEpoch, base: configuration.optimizer.learningRate,
            stepsPerEpoch: stepsPerEpoch)
    }

    /// Takes the rest of the epoch's steps; false where a callback stopped it.
    private func trainEpoch(_ onStep: ((TrainingProgress) throws -> Bool)?) throws -> Bool {
        let start = ContinuousClock.now
        batch.shuffle(seed: configuration.seed, epoch: progress.epoch)
        let secondsBefore = progress.seconds
        while progress.stepInEpoch < stepsPerEpoch {
            try takeStep()
            progress.seconds = secondsBefore + (ContinuousClock.now - start) / .seconds(1)
            if let onStep, try !onStep(progress) { return false }
        }
        return true
    }

    private func takeStep() throws {
        let start = progress.stepInEpoch * executor.batchSize
        let places = start..<min(start + executor.batchSize, batch.count)
        try batch.begin(places)
        let outcome = executor.computeGradients(
            batch, count: places.count, loss: configuration.loss, seed: configuration.seed,
            step: progress.step)
        let rate = rate(at: progress.step)
        guard outcome.lossSum.isFinite else {
            throw diverged(
                "the loss is \(outcome.loss.isNaN ? "not a number" : "infinite")", step: progress.step + 1)
        }
        updater.apply(step: progress.step + 1, rate: rate)
        progress.step += 1
        progress.stepInEpoch += 1
        progress.images += places.count
        progress.lossSum += outcome.lossSum
        progress.correct += outcome.correct
    }

    private func completeEpoch() throws -> EpochRecord {
        try checkParameters()
        let trainingSeconds = progress.seconds
        let start = ContinuousClock.now
        let report = try evaluate()
        let elapsed = ContinuousClock.now - start
        let record = EpochRecord(
            epoch: progress.epoch + 1, trainLoss: progress.lossSum / Double(progress.images),
            trainAccuracy: Double(progress.correct) / Double(progress.images), testLoss: report.loss,
            testAccuracy: report.accuracy, imagesPerSecond: Double(progress.images) / trainingSeconds,
            learningRate: rate(at: progress.step - 1), seconds: trainingSeconds + elapsed / .seconds(1))
        history.append(record)
        var next = TrainingProgress()
        next.epoch = progress.epoch + 1
        next.step = progress.step
        progress = next
        return record
    }

    private func evaluate() throws -> ClassificationReport {
        do {
            return try evaluator.evaluate()
        } catch MetricsError.lossNotFinite(let loss) {
            // Parameters may be finite, and yet too great for their products to be.
            throw diverged("the test loss is \(loss)", step: progress.step)
        }
    }

    /// - Parameter step: the one that shows it, counted from 1; 0 before the first.
    private func diverged(_ what: String, step: Int) -> TrainingError {
        .diverged(what: what, epoch: progress.epoch + 1, step: step, rate: rate(at: max(0, step - 1)))
    }

    /// Throws where a parameter is not finite, which a checkpoint must not keep.
    func checkParameters() throws {
        guard Reductions.isFinite(classifier.network.parameterBlock) else {
            throw diverged("a parameter is not finite", step: progress.step)
        }
    }

    /// What a run needs to go on where it is, but the parameters.
    var state: TrainingState {
        TrainingState(
            progress: progress, history: history, optimizer: configuration.optimizer.name,
            blocks: (0..<configuration.optimizer.stateCount).map { index in
                let block = updater.stateBlock(index)
                return classifier.network.trainedParameters.map {
                    classifier.network.values(of: $0, in: block)
                }
            })
    }

    /// Goes on from a state that was saved; the classifier's parameters are those saved with it.
    ///
    /// - Throws: `TrainingError.state` where it is of another optimiser or network.
    func restore(_ state: TrainingState) throws {
        guard state.optimizer == configuration.optimizer.name,
            state.blocks.count == configuration.optimizer.stateCount
        else {
            throw TrainingError.state(
                "was saved by \(state.optimizer) with \(state.blocks.count) state blocks, this run uses "
                    + "\(configuration.optimizer.name) with \(configuration.optimizer.stateCount)")
        }
        let at = state.progress
        guard 0...configuration.epochs ~= at.epoch, 0...stepsPerEpoch ~= at.stepInEpoch,
            at.step == at.epoch * stepsPerEpoch + at.stepInEpoch,
            at.images == min(at.stepInEpoch * executor.batchSize, batch.count), 0...at.images ~= at.correct,
            at.lossSum.isFinite, at.seconds.isFinite, at.seconds > 0 || at.stepInEpoch == 0
        else {
            throw TrainingError.state(
                "is at step \(at.step), after \(at.epoch) epochs and \(at.images) images, which does not fit "
                    + "\(configuration.epochs) epochs of \(batch.count) images in batches of "
                    + "\(executor.batchSize)")
        }
        let network = classifier.network
        for (index, block) in state.blocks.enumerated() {
            guard block.count == network.trainedParameters.count else {
                throw TrainingError.state(
                    "holds \(block.count) parameters, the network trains \(network.trainedParameters.count)")
            }
            for (parameter, values) in zip(network.trainedParameters, block) {
                try network.setValues(values, of: parameter, in: updater.stateBlock(index))
            }
        }
        progress = state.progress
        history = state.history
    }
}

/// What a stopped run goes on from, beside the parameters.
struct TrainingState: Sendable {
    var progress: TrainingProgress
    var history: [EpochRecord]
    var optimizer: String
    /// The elements of each state block, parameter by parameter, in the order of files.
    var blocks: [[[Float]]]
}

/// A run of training that cannot begin or go on.
public enum TrainingError: Error, Sendable, Hashable, CustomStringConvertible {
    case configuration(String)
    case diverged(what: String, epoch: Int, step: Int, rate: Double)
    case state(String)

    public var description: String {
        switch self {
        case .configuration(let reason): reason
        case .diverged(let what, let epoch, let step, let rate):
            "training diverged: \(what) at step \(step) (epoch \(epoch), learning rate \(rate)); "
                + "a lower rate or gradient clipping may help"
        case .state(let reason): "the saved state of training \(reason)"
        }
    }
}
