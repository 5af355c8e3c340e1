import ApusFormats
import Foundation

/// Labelled JPEG and PNG files, read when they are asked for: a folder for each class.
///
/// The classes are the folders' names in order. Hidden files and folders, and files with other endings than those
/// of JPEG and PNG, are none of the images. Where some images are grey and others not, all are in colour.
public struct ImageFolder: Dataset {
    public let name: String
    public let split: String
    public let classNames: [String]
    public let channels: Int
    public let imageSize: ImageSize?
    public let skipped: [SkippedImage]
    private let files: [LabelledFile]
    private let sizes: [ImageSize]

    /// An image, and its class.
    struct LabelledFile: Sendable {
        let path: String
        let label: Int
    }

    /// - Throws: `DataError.noImages` where there are none.
    init(
        name: String, split: String, classNames: [String], channels: Int, imageSize: ImageSize?,
        files: [LabelledFile], sizes: [ImageSize], skipped: [SkippedImage]
    ) throws {
        self.name = name
        self.split = split
        self.classNames = classNames
        self.channels = channels
        self.imageSize = imageSize
        self.files = files
        self.sizes = sizes
        self.skipped = skipped
        guard !files.isEmpty else { throw DataError.noImages(dataset: title) }
    }

    public var count: Int { files.count }

    public func label(of image: Int) -> Int { files[image].label }

    public func size(of image: Int) -> ImageSize? { sizes[image] }

    /// Where an image lies.
    public func path(of image: Int) -> String { files[image].path }

    public func image(_ index: Int, atLeast size: ImageSize?) throws -> PixelImage {
        try PixelImage(contentsOf: URL(fileURLWithPath: files[index].path), atLeast: size)
            .converted(toChannels: channels)
    }
}
