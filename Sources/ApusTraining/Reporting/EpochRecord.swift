/// What one epoch of training came to: a line of the log.
public struct EpochRecord: Sendable, Equatable, Codable {
    /// The epoch, from 1.
    public var epoch: Int
    /// The mean loss over the training samples, as they were seen.
    public var trainLoss: Double
    /// The share of training samples predicted right, as they were seen.
    public var trainAccuracy: Double
    /// The mean loss over the test samples after the epoch, where it was measured.
    public var testLoss: Double?
    /// The share of test samples predicted right after the epoch, where it was measured.
    public var testAccuracy: Double?
    /// Training throughput.
    public var imagesPerSecond: Double
    /// The learning rate of the epoch's last step.
    public var learningRate: Double
    /// The duration of the epoch, testing included.
    public var seconds: Double

    public init(
        epoch: Int, trainLoss: Double, trainAccuracy: Double, testLoss: Double? = nil,
        testAccuracy: Double? = nil, imagesPerSecond: Double, learningRate: Double, seconds: Double
    ) {
        self.epoch = epoch
        self.trainLoss = trainLoss
        self.trainAccuracy = trainAccuracy
        self.testLoss = testLoss
        self.testAccuracy = testAccuracy
        self.imagesPerSecond = imagesPerSecond
        self.learningRate = learningRate
        self.seconds = seconds
    }
}
