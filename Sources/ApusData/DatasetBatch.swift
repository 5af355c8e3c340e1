import ApusKernels
import ApusNN

/// Runs of a dataset's images in some order, preprocessed as they are loaded: by the workers, each the images
/// that it computes next. Nothing in memory is worth waiting for, so nothing is loaded ahead.
public final class DatasetBatch: EpochBatch, @unchecked Sendable {
    private let dataset: ImageDataset
    /// What a byte becomes in each channel, where images keep their size.
    private let tables: [Float]
    /// How they change it otherwise, and what a pixel then becomes in each channel.
    private let resampling: Resampling?
    private let scales: [Float]
    private let offsets: [Float]
    private var order: [Int]?
    /// The place in the order of the batch's first image. To be set between batches.
    public var start = 0

    public var count: Int { dataset.count }
    public let bytesAhead = 0

    /// - Throws: `DataError.shapeMismatch` where `preprocessing` is for other images.
    public init(_ dataset: ImageDataset, _ preprocessing: Preprocessing) throws {
        guard preprocessing.image == dataset.shape else {
            throw DataError.shapeMismatch(
                dataset: ImageDataset.title(dataset.name, dataset.split), found: dataset.shape.description,
                expected: preprocessing.image.description)
        }
        let normalization = preprocessing.normalization
        self.dataset = dataset
        tables = (0..<normalization.channels).flatMap { normalization.table(channel: $0) }
        resampling =
            preprocessing.resizes
            ? Resampling(from: preprocessing.image, to: preprocessing.input) : nil
        scales = normalization.scales
        offsets = normalization.offsets
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
        let (image, count) = (place(position), dataset.shape.count)
        let bytes = dataset.pixels[image * count..<(image + 1) * count]
        if let resampling {
            tensor.load(index, bytes: bytes, resampling: resampling, scales: scales, offsets: offsets)
        } else {
            tensor.load(index, bytes: bytes, tables: tables)
        }
    }

    public func label(at position: Int) -> Int { Int(dataset.labels[place(position)]) }

    private func place(_ position: Int) -> Int { order?[start + position] ?? start + position }
}
