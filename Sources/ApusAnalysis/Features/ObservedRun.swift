import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining

/// Runs a dataset through a classifier's network, a batch at a time, with every layer's output to be seen.
struct ObservedRun {
    let executor: Executor
    private let data: any Dataset
    private let batch: any EpochBatch

    /// - Throws: `ClassifierError` where the images or the classes are not the classifier's; `AllocationError`.
    init(_ classifier: Classifier, _ data: any Dataset, batchSize: Int, threads: Int?) throws {
        try classifier.checkClasses(of: data)
        self.data = data
        let workers = Workers(count: threads)
        let size: Int
        (batch, size) = try classifier.batches(of: data, upTo: min(batchSize, data.count), workers: workers)
        executor = try Executor(
            try classifier.network.unfused(), batchSize: size, workers: workers, isTraining: false)
    }

    /// Calls `body` after each batch, with the places of its images.
    ///
    /// - Throws: what keeps an image from being read, and what `body` throws.
    func forEachBatch(_ body: (Range<Int>) throws -> Void) throws {
        for start in stride(from: 0, to: data.count, by: executor.batchSize) {
            let places = start..<min(start + executor.batchSize, data.count)
            try batch.begin(places)
            _ = executor.infer(batch, count: places.count)
            try body(places)
        }
    }
}

/// Images of a dataset at equal distances, so that datasets in the order of their classes give some of each.
struct ThinnedDataset: Dataset {
    private let data: any Dataset
    let count: Int

    /// - Parameter count: the most images.
    init(_ data: any Dataset, to count: Int) {
        self.data = data
        self.count = max(0, min(count, data.count))
    }

    /// The place of an image in the dataset it comes from.
    func place(_ image: Int) -> Int { image * data.count / count }

    var name: String { data.name }
    var split: String { data.split }
    var classNames: [String] { data.classNames }
    var channels: Int { data.channels }
    var imageSize: ImageSize? { data.imageSize }
    var skipped: [SkippedImage] { data.skipped }

    func label(of image: Int) -> Int { data.label(of: place(image)) }
    func size(of image: Int) -> ImageSize? { data.size(of: place(image)) }
    func image(_ index: Int, atLeast size: ImageSize?) throws -> PixelImage {
        try data.image(place(index), atLeast: size)
    }
}
