import ApusFormats
import ApusKernels

/// Labelled images to ask for one by one: in memory, in a folder, or a user's own.
///
/// Called on several threads at once.
public protocol Dataset: Sendable {
    /// The dataset's name, `fashion-mnist`.
    var name: String { get }
    /// Which part of the dataset this is: `train`, `test`.
    var split: String { get }
    /// The number of images.
    var count: Int { get }
    var classNames: [String] { get }
    /// Of every image: 1 (grey) or 3 (red, green, blue).
    var channels: Int { get }
    /// The height and width of every image; nil where they differ.
    var imageSize: ImageSize? { get }
    /// The files that were to be images of this dataset, and cannot be read.
    var skipped: [SkippedImage] { get }

    /// The class of an image, in 0..<classNames.count.
    func label(of image: Int) -> Int

    /// The height and width of an image, before it is decoded; nil where nobody knows. By default `imageSize`.
    func size(of image: Int) -> ImageSize?

    /// An image, upright.
    ///
    /// - Parameter size: what the image is to be resized to at least; a decoder may leave out detail that would be
    ///   lost then, and give a smaller image, but none that is smaller than this. With nil all detail is wanted.
    /// - Throws: what keeps the image from being read.
    func image(_ index: Int, atLeast size: ImageSize?) throws -> PixelImage
}

extension Dataset {
    public var classCount: Int { classNames.count }
    public var skipped: [SkippedImage] { [] }
    public func size(of image: Int) -> ImageSize? { imageSize }

    /// An image, upright, in all detail.
    ///
    /// - Throws: what keeps the image from being read.
    public func image(_ index: Int) throws -> PixelImage { try image(index, atLeast: nil) }

    /// What the dataset is called in errors.
    var title: String { ImageDataset.title(name, split) }
}

/// A file that was to be an image, and the error of who tried to read it.
public struct SkippedImage: Sendable, CustomStringConvertible {
    public let path: String
    public let error: any Error

    public var description: String { "\(error)" }
}

extension ImageDataset: Dataset {
    public var channels: Int { shape.channels }
    public var imageSize: ImageSize? { ImageSize(height: shape.height, width: shape.width) }

    public func label(of image: Int) -> Int { Int(labels[image]) }

    public func image(_ index: Int, atLeast size: ImageSize?) -> PixelImage {
        PixelImage(
            height: shape.height, width: shape.width, channels: shape.channels, samples: image(at: index))
    }
}
