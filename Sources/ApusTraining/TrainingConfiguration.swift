import ApusNN

/// How to train: everything that decides the bits of the result, but the data and the network; and
/// `microBatch`, which decides only how much is computed at once.
public struct TrainingConfiguration: Sendable {
    public var epochs: Int
    public var batchSize: Int
    public var optimizer: any Optimizer
    public var schedule: LearningRateSchedule
    public var loss: any Loss
    /// The greatest length of the gradient; longer ones are shortened to it.
    public var clipNorm: Double?
    /// Of the order of images and of dropout.
    public var seed: UInt64
    /// The images of a batch that are computed at once, rounded to whole shards; by default all. See `Executor`
    /// for what that saves.
    public var microBatch: Int?
    /// How much of an exponential moving average of the weights a step leaves, 0.999 for instance; the average is then
    /// tested and saved in place of the weights themselves (see `Trainer.tested`). At first it is less:
    /// after step t, (1 + t) / (10 + t) at most. By default nothing is averaged.
    public var averageDecay: Double?
    /// When the run ends before its last epoch; by default it does not.
    public var earlyStopping: EarlyStopping?

    /// The defaults train LeNet-5 on Fashion-MNIST to 91 % in ten epochs.
    public init(
        epochs: Int = 10, batchSize: Int = 64,
        optimizer: any Optimizer = SGD(learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4),
        schedule: LearningRateSchedule = .oneCycle(), loss: any Loss = SoftmaxCrossEntropy(),
        clipNorm: Double? = nil, seed: UInt64 = 1, microBatch: Int? = nil,
        averageDecay: Double? = nil, earlyStopping: EarlyStopping? = nil
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.optimizer = optimizer
        self.schedule = schedule
        self.loss = loss
        self.clipNorm = clipNorm
        self.seed = seed
        self.microBatch = microBatch
        self.averageDecay = averageDecay
        self.earlyStopping = earlyStopping
    }

    /// Steps that each take `count` batches of this configuration, a batch at a time, and add up their gradients.
    ///
    /// It is the same as batches `count` times as large, to the bit, the schedule and the number of steps
    /// included: a step moves the parameters once, by the gradient of the mean over all its images. Activations take
    /// the memory of a shard in any case; images loaded ahead (see `RunAheadBatch`) that of two whole steps.
    public func accumulating(_ count: Int) -> TrainingConfiguration {
        var configuration = self
        let (images, overflows) = batchSize.multipliedReportingOverflow(by: count)
        configuration.batchSize = overflows ? .max : images
        configuration.microBatch = min(batchSize, microBatch ?? batchSize)
        return configuration
    }
}

// Recipes: what suits a network.
extension TrainingConfiguration {
    /// For LeNet-5, the defaults: `SGD` with momentum, one cycle of the rate, batches of 64.
    public static func leNet5(epochs: Int = 10, seed: UInt64 = 1) -> TrainingConfiguration {
        TrainingConfiguration(epochs: epochs, seed: seed)
    }

    /// For LeNet-5 in as little time as 91 % on Fashion-MNIST take: larger batches at a higher rate, Nesterov's
    /// momentum, and targets of which all classes share a part.
    public static func leNet5Fast(epochs: Int = 9, seed: UInt64 = 1) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs, batchSize: 128,
            optimizer: SGD(learningRate: 0.1, momentum: 0.9, isNesterov: true, weightDecay: 5e-4),
            loss: SoftmaxCrossEntropy(labelSmoothing: 0.05), seed: seed)
    }

    /// What the paper of SqueezeNet trained with: batches of 512, and a rate that falls from 0.04 to 0 in a
    /// straight line. It is ImageNet's: small datasets want a lower rate, or `Adam`.
    ///
    /// Iandola, Han, Moskewicz, Ashraf, Dally and Keutzer, 2016, "SqueezeNet: AlexNet-level accuracy with 50x
    /// fewer parameters and <0.5MB model size", arXiv 1602.07360.
    public static func squeezeNet(epochs: Int, seed: UInt64 = 1) -> TrainingConfiguration {
        TrainingConfiguration(
            epochs: epochs, batchSize: 512,
            optimizer: SGD(learningRate: 0.04, momentum: 0.9, weightDecay: 2e-4), schedule: .linear(to: 0),
            seed: seed)
    }
}

extension TrainingConfiguration {
    /// So many epochs of so many steps that their product is a number of 64 bits.
    static let greatestEpochs = 1 << 30

    func check() throws {
        guard 1...Self.greatestEpochs ~= epochs else {
            throw TrainingError.configuration(
                "\(epochs) epochs; at least 1 and at most \(Self.greatestEpochs)")
        }
        do {
            try Executor.check(batchSize: batchSize)
            if let microBatch { try Executor.check(batchSize: microBatch) }
        } catch let error as PlanningError {
            throw TrainingError.configuration(error.reason)
        }
        if let clipNorm, !(clipNorm > 0 && clipNorm.isFinite) {
            throw TrainingError.configuration("a clipping norm of \(clipNorm); it must be above 0 and finite")
        }
        if let averageDecay, !(0..<1 ~= averageDecay) {
            throw TrainingError.configuration(
                "averaged weights of which a step leaves \(averageDecay); it must be at least 0 and below 1")
        }
        try earlyStopping?.check()
        try optimizer.check()
        try schedule.check()
    }
}
