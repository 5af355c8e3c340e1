import CPNG
import Foundation

/// Reads and writes PNG by libpng.
enum PNG {
    /// The image of a file: samples of any depth rounded to 8 bits, palettes resolved, and what is transparent
    /// put on white.
    static func decode(_ bytes: Data, name: String) throws -> PixelImage {
        let header = try PNGHeader(bytes, file: name)
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        defer { png_image_free(&image) }
        func failure() -> FormatError {
            FormatError(
                file: name, offset: 0, found: "an image that cannot be decoded (\(message(of: image)))",
                expected: "a whole PNG image")
        }
        return try bytes.withUnsafeBytes { input in
            guard png_image_begin_read_from_memory(&image, input.baseAddress, input.count) != 0 else {
                throw failure()
            }
            // Without a word on their gamma, 16 bits mean what 8 bits mean.
            image.flags |= png_uint_32(PNG_IMAGE_FLAG_16BIT_sRGB)
            let hasAlpha = image.format & PNG_FORMAT_FLAG_ALPHA != 0
            let channels = header.channels
            image.format =
                (channels == 3 ? PNG_FORMAT_FLAG_COLOR : 0) | (hasAlpha ? PNG_FORMAT_FLAG_ALPHA : 0)
            let (height, width) = (header.size.height, header.size.width)
            let rowLength = width * (channels + (hasAlpha ? 1 : 0))
            let samples = try [UInt8](unsafeUninitializedCapacity: height * rowLength) { output, count in
                guard
                    png_image_finish_read(&image, nil, output.baseAddress, png_int_32(rowLength), nil) != 0
                else { throw failure() }
                count = height * rowLength
            }
            return PixelImage(
                height: height, width: width, channels: channels,
                samples: hasAlpha ? onWhite(samples, channels: channels) : samples)
        }
    }

    /// Pixels whose last sample is their opacity, as they look on white.
    private static func onWhite(_ samples: [UInt8], channels: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(samples.count / (channels + 1) * channels)
        for pixel in stride(from: 0, to: samples.count, by: channels + 1) {
            let opacity = Int(samples[pixel + channels])
            for channel in 0..<channels {
                let sum = Int(samples[pixel + channel]) * opacity + 255 * (255 - opacity)
                result.append(UInt8((sum + 127) / 255))
            }
        }
        return result
    }

    /// The bytes of a file of 8-bit samples.
    static func encode(_ source: PixelImage) throws(PNGEncodingError) -> Data {
        var image = png_image()
        image.version = png_uint_32(PNG_IMAGE_VERSION)
        image.height = png_uint_32(source.height)
        image.width = png_uint_32(source.width)
        image.format = source.channels == 3 ? PNG_FORMAT_FLAG_COLOR : 0
        defer { png_image_free(&image) }
        let rowLength = png_int_32(source.width * source.channels)
        // At first for the size alone.
        var size = 0
        guard png_image_write_to_memory(&image, nil, &size, 0, source.samples, rowLength, nil) != 0 else {
            throw PNGEncodingError(reason: message(of: image))
        }
        var bytes = Data(count: size)
        let status = bytes.withUnsafeMutableBytes {
            png_image_write_to_memory(&image, $0.baseAddress, &size, 0, source.samples, rowLength, nil)
        }
        guard status != 0 else { throw PNGEncodingError(reason: message(of: image)) }
        return bytes.prefix(size)
    }

    /// What libpng has to say.
    private static func message(of image: png_image) -> String {
        withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// An image that libpng does not write: one of too many pixels, or for which there is no memory.
public struct PNGEncodingError: Error, Sendable, Hashable, CustomStringConvertible {
    public let reason: String

    public var description: String { "the image cannot be written as PNG: \(reason)" }
}
