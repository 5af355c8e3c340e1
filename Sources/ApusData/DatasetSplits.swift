/// What a network trains on, what it is tested on, and how both are normalized.
public struct DatasetSplits: Sendable {
    public let train: ImageDataset
    public let test: ImageDataset
    /// From the training images alone.
    public let normalization: Normalization

    /// - Throws: `DataError` where the splits differ in the images' shape or the classes, or the normalization
    ///   is for another number of channels.
    public init(train: ImageDataset, test: ImageDataset, normalization: Normalization) throws {
        guard train.shape == test.shape, train.classNames == test.classNames else {
            throw DataError.splitMismatch(
                train: "\(train.classCount) classes of \(train.shape) images",
                test: "\(test.classCount) classes of \(test.shape) images")
        }
        guard normalization.channels == train.shape.channels else {
            throw DataError.invalidNormalization(
                reason: "found constants for \(normalization.channels) channels, "
                    + "expected \(train.shape.channels)")
        }
        self.train = train
        self.test = test
        self.normalization = normalization
    }
}
