import Foundation

/// What an image file says of its image, before anything of it is decoded.
public struct ImageHeader: Sendable, Hashable {
    /// More pixels than these are no image that anybody trains on: 128 Mi, 384 MiB decoded.
    static let greatestPixelCount = 1 << 27

    public let format: ImageFormat
    /// Of the image upright.
    public let size: ImageSize
    /// 1 (grey) or 3 (red, green, blue), which an image of four inks becomes.
    public let channels: Int

    /// Reads the header of the file at `url`, and looks whether the file goes on to the image's end. Little more
    /// than both ends of the file comes into memory.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is no image, a damaged one or one
    ///   cut short. Damage between the header and the end shows only when the image is decoded.
    public init(contentsOf url: URL) throws {
        try self.init(of: WholeFile.mapped(url), name: url.path)
    }

    /// The header of a file's bytes.
    ///
    /// - Parameter name: The file's name in errors.
    /// - Throws: As `init(contentsOf:)`.
    public init(of bytes: Data, name: String) throws {
        format = try ImageFormat(of: bytes, name: name)
        switch format {
        case .jpeg:
            let header = try JPEGHeader(bytes, file: name)
            try header.requireEnd(of: bytes, file: name)
            size = header.orientation.turned(header.size)
            channels = header.channels
        case .png:
            let header = try PNGHeader(bytes, file: name)
            size = header.size
            channels = header.channels
        }
    }

    /// Refuses extents that no image has, before anything is allocated for it.
    static func check(height: Int, width: Int, file: String, offset: Int) throws {
        let (pixels, overflow) = height.multipliedReportingOverflow(by: width)
        guard height >= 1, width >= 1, !overflow, pixels <= greatestPixelCount else {
            throw FormatError(
                file: file, offset: offset, found: "an image of \(height)x\(width) pixels",
                expected: "1 to \(greatestPixelCount) pixels")
        }
    }
}
