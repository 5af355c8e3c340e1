import ApusFormats

/// How a byte becomes a network's input: (byte / 255 - mean) / deviation, each channel its own.
public struct Normalization: Sendable, Equatable, Codable {
    /// The value taken to 0, on the scale [0, 1], `[channels]`.
    public let mean: [Double]
    /// The distance from the mean taken to 1, on the scale [0, 1], `[channels]`.
    public let deviation: [Double]

    /// - Throws: `DataError.invalidNormalization` unless there are as many means as deviations, at least one,
    ///   all finite and the deviations positive.
    public init(mean: [Double], deviation: [Double]) throws {
        guard !mean.isEmpty, mean.count == deviation.count else {
            throw DataError.invalidNormalization(
                reason: "found \(mean.count) means and \(deviation.count) deviations, "
                    + "expected one of each for every channel")
        }
        for channel in mean.indices {
            guard mean[channel].isFinite, deviation[channel].isFinite, deviation[channel] > 0 else {
                throw DataError.invalidNormalization(
                    reason: "channel \(channel) has mean \(mean[channel]) and deviation "
                        + "\(deviation[channel]), expected finite numbers and a positive deviation")
            }
        }
        self.init(trusted: mean, deviation)
    }

    private init(trusted mean: [Double], _ deviation: [Double]) {
        self.mean = mean
        self.deviation = deviation
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            mean: container.decode([Double].self, forKey: .mean),
            deviation: container.decode([Double].self, forKey: .deviation))
    }

    private enum CodingKeys: String, CodingKey {
        case mean, deviation
    }

    /// The statistics of Fashion-MNIST's 60,000 training images.
    public static let fashionMNIST = Normalization(trusted: [0.2860], [0.3530])

    /// The statistics of MNIST's 60,000 training images.
    public static let mnist = Normalization(trusted: [0.1307], [0.3081])

    /// Black to -1 and white to 1, whatever the images: mean 0.5 and deviation 0.5.
    public static func symmetric(channels: Int) -> Normalization {
        Normalization(
            trusted: Array(repeating: 0.5, count: channels), Array(repeating: 0.5, count: channels))
    }

    /// The number of channels.
    public var channels: Int { mean.count }

    /// The first channel's constants, for each of `channels`.
    package func repeated(channels: Int) -> Normalization {
        Normalization(
            trusted: Array(repeating: mean[0], count: channels),
            Array(repeating: deviation[0], count: channels))
    }

    /// These constants, which are of red, green and blue, for the luma that `PixelImage.converted` takes: the mean is
    /// that of the images exactly, the deviation if the colours vary together, as they nearly do in photos.
    var luma: Normalization {
        func weighted(_ values: [Double]) -> Double {
            zip(PixelImage.lumaWeights, values).reduce(0) { $0 + $1.0 * $1.1 }
        }
        return Normalization(trusted: [weighted(mean)], [weighted(deviation)])
    }

    /// What a byte's value is multiplied with in each channel, before that channel's `offsets` is added.
    package var scales: [Float] { deviation.map { Float(1 / (255 * $0)) } }
    package var offsets: [Float] { zip(mean, deviation).map { Float(-$0 / $1) } }

    /// What each of the 256 bytes becomes in `channel`, computed in double precision and rounded once.
    public func table(channel: Int) -> [Float] {
        precondition(mean.indices ~= channel, "normalization has channels 0..<\(channels), not \(channel)")
        return (0...255).map { byte in
            Float((Double(byte) / 255 - mean[channel]) / deviation[channel])
        }
    }
}
