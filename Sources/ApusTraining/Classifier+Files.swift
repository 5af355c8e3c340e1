import ApusData
import ApusKernels
import ApusNN
import Foundation
import Synchronization

/// Many images that take time to come by, read and decoded by all threads, a batch at a time.
extension Classifier {
    /// What became of an image: its prediction, or what kept it from being read.
    public typealias Outcome = Result<Prediction, any Error>

    /// Classifies JPEG and PNG files of any sizes, on all threads.
    ///
    /// - Parameters:
    ///   - batchSize: images that are computed at once, as far as memory for those loaded ahead allows.
    ///   - threads: by default as many as the process may use.
    ///   - onFile: gets each file in turn; what it throws ends the predictions.
    /// - Throws: `DataError.channelMismatch` where the network sees neither grey nor coloured images,
    ///   `AllocationError` where memory runs out. A file that is no whole image is not an error.
    public func predict(
        files: [URL], batchSize: Int = 64, threads: Int? = nil,
        onFile: (URL, Outcome) throws -> Void
    ) throws {
        guard !files.isEmpty else { return }
        let images = ImageFiles(files, channels: preprocessing.channels)
        try predict(images, batchSize: batchSize, threads: threads) { try onFile(files[$0], $1) }
    }

    /// What becomes of JPEG and PNG files of any sizes, in their order.
    ///
    /// - Throws: As `predict(files:batchSize:threads:onFile:)`.
    public func predict(files: [URL]) throws -> [Outcome] {
        var outcomes: [Outcome] = []
        try predict(files: files) { outcomes.append($1) }
        return outcomes
    }

    /// Classifies the images of a dataset, on all threads.
    ///
    /// - Parameters:
    ///   - batchSize: images that are computed at once, as far as memory for those loaded ahead allows.
    ///   - threads: by default as many as the process may use.
    ///   - onImage: gets each image's index in turn; what it throws ends the predictions.
    /// - Throws: `ClassifierError.dataset` where images in memory are not those the classifier is for, or there are
    ///   more classes; as `predict(files:batchSize:threads:onFile:)`.
    public func predict(
        _ data: any Dataset, batchSize: Int = 64, threads: Int? = nil,
        onImage: (Int, Outcome) throws -> Void
    ) throws {
        let workers = Workers(count: threads)
        let faults = ImageFaults()
        let (batch, size) = try batches(
            of: data, upTo: min(batchSize, data.count), workers: workers,
            loading: { FaultKeepingSource(images: $0, faults: faults) })
        let executor = try Executor(network, batchSize: size, workers: workers, isTraining: false)
        for start in stride(from: 0, to: data.count, by: size) {
            let count = min(size, data.count - start)
            try batch.begin(start..<start + count)
            _ = executor.infer(batch, count: count)
            for (place, prediction) in predictions(executor.outputs).enumerated() {
                var fault = faults.take(start + place)
                // Parameters may be finite, and yet too great for their products to be.
                if !prediction.probabilities.allSatisfy(\.isFinite) {
                    fault = fault ?? ClassifierError.notFinite
                }
                try onImage(start + place, fault.map { .failure($0) } ?? .success(prediction))
            }
        }
    }
}

/// What kept images from being loaded, by their index.
private final class ImageFaults: Sendable {
    private let errors = Mutex<[Int: any Error]>([:])

    func add(_ error: any Error, of image: Int) { errors.withLock { $0[image] = error } }

    func take(_ image: Int) -> (any Error)? { errors.withLock { $0.removeValue(forKey: image) } }
}

/// Images of which those that cannot be loaded keep no others waiting: their place in the batch holds what was there.
private struct FaultKeepingSource: ImageSource {
    let images: DatasetSource
    let faults: ImageFaults

    var name: String { images.name }
    var count: Int { images.count }
    var shape: Shape { images.shape }
    var classCount: Int { images.classCount }
    var loaders: Loaders { images.loaders }
    var whitening: Whitening? { images.whitening }

    func label(of image: Int) -> Int { images.label(of: image) }

    func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) {
        do {
            try images.load(image, seed: seed, epoch: epoch, into: tensor, at: index)
        } catch {
            faults.add(error, of: image)
        }
    }
}
