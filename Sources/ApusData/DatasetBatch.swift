import ApusKernels
import ApusNN

/// Runs of a dataset's images in some order, preprocessed as they are loaded: by the workers, each the images
/// that it computes next. Nothing in memory is worth waiting for, so nothing is loaded ahead.
public final class DatasetBatch: EpochBatch, @unchecked Sendable {
    private let dataset: ImageDataset
    private let writer: InputWriter
    private var order: [Int]?
    /// The place in the order of the batch's first image. To be set between batches.
    public var start = 0

    public var count: Int { dataset.count }
    public let bytesAhead = 0

    /// - Throws: `DataError.shapeMismatch` where `preprocessing` is for other images.
    public init(_ dataset: ImageDataset, _ preprocessing: Preprocessing) throws {
        guard preprocessing.image == dataset.shape else {
            throw DataError.shapeMismatch(
                dataset: dataset.title, found: dataset.shape.description,
                expected: preprocessing.image.description)
        }
        // Once, and not in every epoch.
        self.dataset = try dataset.converted(toChannels: preprocessing.channels)
        writer = InputWriter(preprocessing)
    }

    /// Images as they are, normalised.
    ///
    /// - Throws: `DataError.invalidNormalization` where `normalization` has not the dataset's channels.
    public convenience init(_ dataset: ImageDataset, normalization: Normalization) throws {
        try self.init(dataset, Preprocessing(dataset.shape, normalization: normalization))
    }

    /// Puts the images in the random order of an epoch.
    public func shuffle(seed: UInt64, epoch: Int) {
        order = CounterRandom(seed: seed, purpose: .shuffle, epoch: epoch).permutation(count: dataset.count)
    }

    public func begin(_ places: Range<Int>) { start = places.lowerBound }

    public func load(_ position: Int, into tensor: Tensor, at index: Int) {
        load(position..<position + 1, into: tensor.images(index..<index + 1))
    }

    public func load(_ positions: Range<Int>, into tensor: Tensor) {
        precondition(positions.count == tensor.batch)
        let count = dataset.shape.count
        writer.write(dataset.pixels, into: tensor) { place(positions.lowerBound + $0) * count }
        writer.finish(tensor)
    }

    public func label(at position: Int) -> Int { Int(dataset.labels[place(position)]) }

    private func place(_ position: Int) -> Int { order?[start + position] ?? start + position }
}
