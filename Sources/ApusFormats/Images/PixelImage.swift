/// An image as files hold it: samples of 8 bits, grey or of three colours.
public struct PixelImage: Sendable, Equatable {
    public let height: Int
    public let width: Int
    /// 1 (grey) or 3 (red, green, blue).
    public let channels: Int
    /// `[height, width, channels]`.
    public let samples: [UInt8]

    public init(height: Int, width: Int, channels: Int, samples: [UInt8]) {
        precondition(
            height >= 1 && width >= 1 && (channels == 1 || channels == 3)
                && samples.count == height * width * channels,
            "\(samples.count) samples of a \(height)x\(width)x\(channels) image")
        self.height = height
        self.width = width
        self.channels = channels
        self.samples = samples
    }
}
