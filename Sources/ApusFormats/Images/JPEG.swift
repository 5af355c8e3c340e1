import CTurboJPEG
import Foundation

/// Decodes JPEG by libjpeg-turbo: baseline and progressive, grey, colours, and the four inks of CMYK and YCCK.
enum JPEG {
    /// What libjpeg-turbo can divide both extents by with vector code, while it decodes.
    private static let divisors = [8, 4, 2]

    /// What cameras leave before the end mark, and does no harm; all else that libjpeg warns of is damage.
    private static let harmlessWarning = "extraneous bytes before marker 0xd9"

    /// The image of a file, upright.
    ///
    /// - Parameter size: The extents that it must not fall below; detail beyond them may be left out. All is kept
    ///   with nil.
    static func decode(_ bytes: Data, name: String, atLeast size: ImageSize?) throws -> PixelImage {
        let header = try JPEGHeader(bytes, file: name)
        func failure(_ reason: String) -> FormatError {
            FormatError(
                file: name, offset: header.scan, found: "a scan that cannot be decoded (\(reason))",
                expected: "a whole JPEG image")
        }
        guard let decoder = tjInitDecompress() else { throw failure("no memory for a decoder") }
        defer { tjDestroy(decoder) }
        let stored = reducedSize(of: header.size, atLeast: size.map(header.orientation.turned))
        let isInked = header.components == 4
        let channels = isInked ? 4 : header.channels
        let format = isInked ? TJPF_CMYK : channels == 1 ? TJPF_GRAY : TJPF_RGB
        var samples = [UInt8](repeating: 0, count: stored.height * stored.width * channels)
        let status = bytes.withUnsafeBytes { input in
            samples.withUnsafeMutableBufferPointer { output in
                // It picks the largest size that fits into these extents, which are one that it has.
                tjDecompress2(
                    decoder, input.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(input.count),
                    output.baseAddress, Int32(stored.width), Int32(stored.width * channels),
                    Int32(stored.height), format.rawValue, TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)
            }
        }
        if status != 0 {
            let reason = String(cString: tjGetErrorStr2(decoder))
            let isWarning = tjGetErrorCode(decoder) == Int32(TJERR_WARNING.rawValue)
            guard isWarning, reason.hasSuffix(harmlessWarning) else { throw failure(reason) }
        }
        return header.orientation.upright(
            PixelImage(
                height: stored.height, width: stored.width, channels: header.channels,
                samples: isInked ? colors(ofInks: samples) : samples))
    }

    /// The smallest extents that decoding can give, and that are not below `least`.
    private static func reducedSize(of size: ImageSize, atLeast least: ImageSize?) -> ImageSize {
        guard let least else { return size }
        for divisor in divisors {
            let reduced = ImageSize(
                height: (size.height + divisor - 1) / divisor, width: (size.width + divisor - 1) / divisor)
            if reduced.height >= least.height, reduced.width >= least.width { return reduced }
        }
        return size
    }

    /// Red, green and blue of cyan, magenta, yellow and black: the light that the colour's ink and the black one let
    /// through. Files hold inks the other way round, 255 for none, as Adobe began it.
    private static func colors(ofInks samples: [UInt8]) -> [UInt8] {
        var colors: [UInt8] = []
        colors.reserveCapacity(samples.count / 4 * 3)
        for pixel in stride(from: 0, to: samples.count, by: 4) {
            let black = Int(samples[pixel + 3])
            for ink in 0..<3 { colors.append(UInt8((Int(samples[pixel + ink]) * black + 127) / 255)) }
        }
        return colors
    }
}
