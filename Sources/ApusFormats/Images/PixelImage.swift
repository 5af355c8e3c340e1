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

    public var size: ImageSize { ImageSize(height: height, width: width) }

    /// What red, green and blue count in luma (ITU-R BT.601).
    package static let lumaWeights = [0.299, 0.587, 0.114]

    /// The image as one of 1 channel (grey) or 3: grey is repeated, and of colours their luma is taken (ITU-R
    /// BT.601: 0.299 red, 0.587 green and 0.114 blue), rounded.
    public func converted(toChannels wanted: Int) -> PixelImage {
        precondition(wanted == 1 || wanted == 3, "an image of \(wanted) channels")
        guard wanted != channels else { return self }
        var converted: [UInt8] = []
        converted.reserveCapacity(height * width * wanted)
        if wanted == 3 {
            for sample in samples { for _ in 0..<3 { converted.append(sample) } }
        } else {
            // `lumaWeights` in 65,536ths, which they are the sum of.
            for pixel in stride(from: 0, to: samples.count, by: 3) {
                let (red, green) = (Int(samples[pixel]), Int(samples[pixel + 1]))
                let sum = 19_595 * red + 38_470 * green + 7_471 * Int(samples[pixel + 2])
                converted.append(UInt8((sum + 32_768) >> 16))
            }
        }
        return PixelImage(height: height, width: width, channels: wanted, samples: converted)
    }
}
