import ApusKernels
import ApusNN

/// Runs of a dataset's images in some order, normalised as they are loaded.
public final class DatasetBatch: BatchSource, @unchecked Sendable {
    private let dataset: ImageDataset
    private let tables: [Float]
    private var order: [Int]?
    /// The place in the order of the batch's first image. To be set between batches.
    public var start = 0

    /// - Throws: `DataError.invalidNormalization` where `normalization` has not the dataset's channels.
    public init(_ dataset: ImageDataset, normalization: Normalization) throws {
        guard normalization.channels == dataset.shape.channels else {
            throw DataError.invalidNormalization(
                reason: "found constants for \(normalization.channels) channels, "
                    + "expected \(dataset.shape.channels)")
        }
        self.dataset = dataset
        tables = (0..<normalization.channels).flatMap { normalization.table(channel: $0) }
    }

    /// Puts the images in the random order of an epoch.
    public func shuffle(seed: UInt64, epoch: Int) {
        order = CounterRandom(seed: seed, purpose: .shuffle, epoch: epoch).permutation(count: dataset.count)
    }

    public func load(_ position: Int, into tensor: Tensor, at index: Int) {
        let (image, count) = (place(position), dataset.shape.count)
        tensor.load(index, bytes: dataset.pixels[image * count..<(image + 1) * count], tables: tables)
    }

    public func label(at position: Int) -> Int { Int(dataset.labels[place(position)]) }

    private func place(_ position: Int) -> Int { order?[start + position] ?? start + position }
}
