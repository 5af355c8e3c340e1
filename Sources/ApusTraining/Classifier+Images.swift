import ApusData
import ApusFormats
import ApusKernels
import ApusNN

/// Images that do not lie in memory as the classifier was made for.
extension Classifier {
    /// Bytes that a batch to be tested holds of images loaded ahead, and as many of the one after it.
    private static let greatestBytesAhead = 32 << 20

    /// Classifies one image, upright, of any size: it becomes what the network sees. It computes on the calling
    /// thread.
    ///
    /// - Throws: `DataError.channelMismatch` where the network sees neither grey nor coloured images.
    public func predict(_ image: PixelImage) throws -> Prediction {
        try predict(PixelBatch([image], preprocessing))
    }

    /// Classifies images, upright, of any sizes, a batch at a time on all threads; calls take turns.
    ///
    /// - Throws: `DataError.channelMismatch` where the network sees neither grey nor coloured images.
    public func predict(_ images: [PixelImage]) throws -> [Prediction] {
        try predict(count: images.count) { try PixelBatch(Array(images[$0]), preprocessing) }
    }

    /// Batches of a dataset's images in their order: straight from memory, or loaded ahead, fewer then at once
    /// where they are large.
    ///
    /// - Parameter change: what is made of the images that are loaded ahead.
    /// - Throws: `ClassifierError.dataset` where images in memory are not those the classifier is for, or there are
    ///   more classes.
    package func batches(
        of data: any Dataset, upTo batchSize: Int, workers: Workers,
        loading change: (DatasetSource) -> any ImageSource = { $0 }
    ) throws -> (any EpochBatch, batchSize: Int) {
        if let images = data as? ImageDataset {
            try check(images)
            return (try DatasetBatch(images, preprocessing), batchSize)
        }
        let source = try DatasetSource(data, preprocessing)
        try check(source)
        let size = max(1, min(batchSize, Self.greatestBytesAhead / (4 * source.shape.count)))
        let batch = try RunAheadBatch(
            change(source), batchSize: size, layout: network.layout,
            loaders: source.loaders.shares(of: workers.count).loaders, workers: workers)
        return (batch, size)
    }
}
