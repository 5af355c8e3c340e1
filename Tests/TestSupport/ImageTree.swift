import ApusFormats
import Foundation

/// A folder of PNG files that a test fills, gone with its last user.
public final class ImageTree {
    private let folder: TemporaryFolder

    public init() throws { folder = try TemporaryFolder() }

    public var path: String { folder.url.path }

    /// Writes a file, and makes the folders it lies in.
    @discardableResult
    public func write(_ data: Data, to name: String) throws -> URL {
        let file = folder.url.appending(path: name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: file)
        return file
    }

    /// Writes an image whose samples follow from `seed`, and returns it.
    @discardableResult
    public func write(
        image name: String, height: Int = 6, width: Int = 5, channels: Int = 1, seed: UInt64
    ) throws -> PixelImage {
        let image = PixelImage.random(height: height, width: width, channels: channels, seed: seed)
        try write(image.png(), to: name)
        return image
    }
}

extension PixelImage {
    /// An image whose samples follow from `seed`.
    public static func random(height: Int, width: Int, channels: Int, seed: UInt64) -> PixelImage {
        var generator = SplitMix64(seed: seed)
        return PixelImage(
            height: height, width: width, channels: channels,
            samples: (0..<height * width * channels).map { _ in .random(in: 0...255, using: &generator) })
    }
}
