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
    /// What these images count together in the mean loss: each 1, but for class weights.
    public var lossWeight = 0.0
    /// Time spent in the epoch under way.
    public var seconds = 0.0

    public init() {}

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        epoch = try container.decode(Int.self, forKey: .epoch)
        stepInEpoch = try container.decode(Int.self, forKey: .stepInEpoch)
        step = try container.decode(Int.self, forKey: .step)
        images = try container.decode(Int.self, forKey: .images)
        lossSum = try container.decode(Double.self, forKey: .lossSum)
        correct = try container.decode(Int.self, forKey: .correct)
        // Runs of before there were class weights do not say.
        lossWeight = try container.decodeIfPresent(Double.self, forKey: .lossWeight) ?? Double(images)
        seconds = try container.decode(Double.self, forKey: .seconds)
    }

    /// The mean loss, and the share predicted right, of the images seen in the epoch under way; nil before the first.
    public var loss: Double? { images > 0 ? lossSum / lossWeight : nil }
    public var accuracy: Double? { images > 0 ? Double(correct) / Double(images) : nil }
}
