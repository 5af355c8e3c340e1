import ApusFormats
import ApusKernels
import Foundation

/// Labelled images of one size, in memory as bytes.
public struct ImageDataset: Sendable {
    /// The dataset's name, `fashion-mnist`.
    public let name: String
    /// Which part of the dataset this is: `train`, `test`.
    public let split: String
    /// The extent of one image.
    public let shape: Shape
    /// Pixel values, `[count, height, width, channels]`.
    public let pixels: [UInt8]
    /// The class of each image, in 0..<classCount, `[count]`.
    public let labels: [UInt16]
    public let classNames: [String]

    /// The most classes a dataset may have.
    static let greatestClassCount = 1 << 16

    /// The number of images.
    public var count: Int { labels.count }
    public var classCount: Int { classNames.count }

    /// - Throws: `DataError` where there is no image, `pixels` and `labels` hold different numbers of images,
    ///   or a label names no class.
    public init(
        name: String, split: String, shape: Shape, pixels: [UInt8], labels: [UInt16], classNames: [String]
    ) throws {
        let title = Self.title(name, split)
        guard 1...Self.greatestClassCount ~= classNames.count else {
            throw DataError.invalidClassCount(dataset: title, found: classNames.count)
        }
        guard !labels.isEmpty else { throw DataError.noImages(dataset: title) }
        let expected = try Self.pixelCount(of: labels.count, shape, dataset: title)
        guard pixels.count == expected else {
            throw DataError.pixelCountMismatch(
                dataset: title, found: pixels.count, count: labels.count, shape: shape.description)
        }
        if let index = labels.firstIndex(where: { Int($0) >= classNames.count }) {
            throw DataError.labelOutOfRange(
                dataset: title, index: index, label: Int(labels[index]), classes: classNames.count)
        }
        self.name = name
        self.split = split
        self.shape = shape
        self.pixels = pixels
        self.labels = labels
        self.classNames = classNames
    }

    /// Reads grey images and their labels from a pair of IDX files, plain or gzip.
    ///
    /// - Throws: `FileError` where a file cannot be read, `FormatError` or `DataError` where its contents are
    ///   not as they should be.
    public init(
        name: String, split: String, imagesAt imageFile: URL, labelsAt labelFile: URL, classNames: [String]
    ) throws {
        let labels = try IDX.read(labelFile, rank: 1)
        let images = try IDX.read(imageFile, rank: 3)
        let sizes = images.dimensions
        guard sizes[0] == labels.values.count else {
            throw DataError.countMismatch(
                imageFile: imageFile.path, images: sizes[0], labelFile: labelFile.path,
                labels: labels.values.count)
        }
        try self.init(
            name: name, split: split, shape: Shape(height: sizes[1], width: sizes[2], channels: 1),
            pixels: images.values, labels: labels.values.map { UInt16($0) }, classNames: classNames)
    }

    /// The bytes of one image, `[height, width, channels]`; `index` must be in 0..<count.
    public func image(at index: Int) -> [UInt8] {
        Array(pixels[index * shape.count..<(index + 1) * shape.count])
    }

    /// The first `count` images, or all of them where they are fewer.
    ///
    /// - Throws: `DataError.noImages` where `count` is below 1.
    public func prefix(_ count: Int) throws -> ImageDataset {
        let kept = min(max(count, 0), self.count)
        return try ImageDataset(
            name: name, split: split, shape: shape, pixels: Array(pixels.prefix(kept * shape.count)),
            labels: Array(labels.prefix(kept)), classNames: classNames)
    }

    /// The images at `indices`, in that order; an index may occur more than once.
    ///
    /// - Throws: `DataError` where there are no indices, or one of them names no image.
    public func subset(_ indices: some Sequence<Int>) throws -> ImageDataset {
        var subsetPixels: [UInt8] = []
        var subsetLabels: [UInt16] = []
        for index in indices {
            guard labels.indices ~= index else {
                throw DataError.indexOutOfRange(
                    dataset: Self.title(name, split), index: index, count: count)
            }
            subsetPixels += pixels[(index * shape.count)..<((index + 1) * shape.count)]
            subsetLabels.append(labels[index])
        }
        return try ImageDataset(
            name: name, split: split, shape: shape, pixels: subsetPixels, labels: subsetLabels,
            classNames: classNames)
    }

    /// The same images in 1 channel or 3, as `PixelImage.converted(toChannels:)` has them.
    func converted(toChannels channels: Int) throws -> ImageDataset {
        guard channels != shape.channels else { return self }
        // One below the other.
        let images = PixelImage(
            height: count * shape.height, width: shape.width, channels: shape.channels, samples: pixels)
        return try ImageDataset(
            name: name, split: split,
            shape: Shape(height: shape.height, width: shape.width, channels: channels),
            pixels: images.converted(toChannels: channels).samples, labels: labels, classNames: classNames)
    }

    /// The mean and (population) standard deviation of each channel's pixels, on the scale [0, 1].
    public func pixelStatistics() -> (mean: [Double], deviation: [Double]) {
        // Counting the 256 values first leaves sums so short that rounding plays no part.
        var counts = [Int](repeating: 0, count: 256 * shape.channels)
        if shape.channels == 1 {
            for value in pixels { counts[Int(value)] += 1 }
        } else {
            var channel = 0
            for value in pixels {
                counts[256 * channel + Int(value)] += 1
                channel = channel + 1 == shape.channels ? 0 : channel + 1
            }
        }
        let pixelsPerChannel = Double(count * shape.pixels)
        var mean: [Double] = []
        var deviation: [Double] = []
        for channel in 0..<shape.channels {
            let histogram = counts[(256 * channel)..<(256 * (channel + 1))].enumerated()
            let average =
                histogram.reduce(0.0) { $0 + Double($1.offset * $1.element) } / (255 * pixelsPerChannel)
            let variance =
                histogram.reduce(0.0) { sum, entry in
                    let distance = Double(entry.offset) / 255 - average
                    return sum + Double(entry.element) * distance * distance
                } / pixelsPerChannel
            mean.append(average)
            deviation.append(variance.squareRoot())
        }
        return (mean, deviation)
    }

    /// What the dataset is called in errors.
    static func title(_ name: String, _ split: String) -> String { "\(name) (\(split))" }

    /// The pixel values of `count` images.
    ///
    /// - Throws: `DataError.invalidShape` where an extent is below 1, or the product beyond counting.
    static func pixelCount(of count: Int, _ shape: Shape, dataset: String) throws -> Int {
        var product = count
        for extent in shape.extents {
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard extent >= 1, !overflow else {
                let found = "\(shape.height)x\(shape.width)x\(shape.channels)"
                throw DataError.invalidShape(dataset: dataset, shape: found)
            }
            product = next
        }
        return product
    }
}
