import ApusData
import ApusKernels
import ApusNN
import Foundation

/// Trains a classifier, step by step, so that a run can stop and go on at any step with the same bits.
public final class Trainer {
    public enum Ending: Sendable, Hashable {
        /// After the last epoch.
        case completed
        /// After an epoch, since the last few brought nothing better; see `EarlyStopping`.
        case stoppedEarly
        /// A callback asked to stop.
        case stopped
    }

    public let classifier: Classifier
    public let configuration: TrainingConfiguration
    public let workers: Workers
    public internal(set) var progress = TrainingProgress()
    /// What each completed epoch came to.
    public internal(set) var history: [EpochRecord] = []
    /// What the test after the last epoch came to; nil where this trainer has completed none yet.
    public private(set) var lastTest: TestOutcome?

    let batch: any EpochBatch
    let executor: Executor
    let updater: ParameterUpdater
    let average: WeightAverage?
    private let evaluator: Evaluator

    /// Allocates everything a run takes.
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
        let average = try configuration.averageDecay.map { try WeightAverage(of: classifier, decay: $0) }
        self.average = average
        updater = try ParameterUpdater(
            executor, configuration.optimizer, clipNorm: configuration.clipNorm, average: average,
            constraints: classifier.constraints)
        evaluator = try Evaluator(
            average?.classifier ?? classifier, test, loss: configuration.loss, batchSize: 256,
            workers: workers)
    }

    /// Steps of an epoch; the last one may be of fewer images.
    public var stepsPerEpoch: Int { (batch.count + executor.batchSize - 1) / executor.batchSize }

    /// Images of an epoch.
    public var imagesPerEpoch: Int { batch.count }

    /// What the run makes: the classifier that is tested after each epoch and saved, and that predictions are meant to
    /// come from. It is `classifier`, or where weights are averaged one with their average.
    public var tested: Classifier { average?.classifier ?? classifier }

    /// Whether the last few epochs brought nothing better, so that the run is over; see `EarlyStopping`.
    public var hasStoppedEarly: Bool {
        progress.epoch < configuration.epochs && configuration.earlyStopping?.ends(history) ?? false
    }

    /// Whether nothing is left to train.
    public var isComplete: Bool { progress.epoch == configuration.epochs || hasStoppedEarly }

    /// The images that each epoch is tested on.
    public var test: any Dataset { evaluator.data }

    /// Memory that steps of training take.
    public var memory: MemoryUse {
        var memory = executor.memory
        memory.activationBytes += batch.bytesAhead
        memory.optimizerBytes = 4 * updater.state.count
        if let average { memory.parameterBytes += 4 * average.classifier.network.parameterBlock.count }
        return memory
    }

    /// Trains until all epochs are done, they bring nothing better any more, or a callback says stop.
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
        if progress.step == 0 { average?.begin(with: classifier.network) }
        while !isComplete {
            guard try trainEpoch(onStep) else { return .stopped }
            let record = try completeEpoch()
            if let onEpoch, try !onEpoch(record) { return .stopped }
        }
        return progress.epoch == configuration.epochs ? .completed : .stoppedEarly
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
        progress.lossWeight += outcome.weight
        progress.correct += outcome.correct
    }

    private func completeEpoch() throws -> EpochRecord {
        try checkParameters()
        let trainingSeconds = progress.seconds
        let start = ContinuousClock.now
        let outcome = try evaluate()
        let report = outcome.report
        lastTest = outcome
        let elapsed = ContinuousClock.now - start
        let record = EpochRecord(
            epoch: progress.epoch + 1, trainLoss: progress.lossSum / progress.lossWeight,
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

    private func evaluate() throws -> TestOutcome {
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
        guard [classifier, tested].allSatisfy({ Reductions.isFinite($0.network.parameterBlock) }) else {
            throw diverged("a parameter is not finite", step: progress.step)
        }
    }
}
