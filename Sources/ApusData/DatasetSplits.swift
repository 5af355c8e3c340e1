import ApusFormats

/// What a network trains on, what it is tested on, and how both are normalized.
public struct DatasetSplits: Sendable {
    public let train: any Dataset
    public let test: any Dataset
    /// From the training images alone.
    public let normalization: Normalization

    /// - Throws: `DataError` where the splits differ in channels or classes, or each has a size of its own; or the
    ///   normalization is for another number of channels.
    public init(train: any Dataset, test: any Dataset, normalization: Normalization) throws {
        let hasTwoSizes = train.imageSize != nil && test.imageSize != nil && train.imageSize != test.imageSize
        guard !hasTwoSizes, train.channels == test.channels, train.classNames == test.classNames else {
            throw DataError.splitMismatch(train: Self.contents(of: train), test: Self.contents(of: test))
        }
        guard normalization.channels == train.channels else {
            throw DataError.invalidNormalization(
                reason: "found constants for \(normalization.channels) channels, expected \(train.channels)")
        }
        self.train = train
        self.test = test
        self.normalization = normalization
    }

    /// The height and width of all images; nil where they differ.
    public var imageSize: ImageSize? { test.imageSize == nil ? nil : train.imageSize }

    /// What each image is of, as far as they are alike.
    package var extentText: String { train.extentText(imageSize) }

    private static func contents(of data: any Dataset) -> String {
        "\(data.classCount) classes of images of \(data.extentText(data.imageSize))"
    }
}

extension Dataset {
    /// What each image is of, where its size is the same for all: `28x28x1`.
    func extentText(_ size: ImageSize?) -> String {
        size.map { "\($0)x\(channels)" } ?? "differing sizes, \(channels == 1 ? "grey" : "in colour")"
    }
}
