import ApusKernels
import ApusNN

/// Batches of images that take time to come by, loaded ahead.
///
/// While a batch is computed, loaders bring in the images of the next one, in the order of the epoch. What they
/// have not come to when it begins, the workers bring in beside them, an image at a time, so that no thread
/// waits for another before the last image: a source that only waits is hidden behind the computing, one that
/// takes more time than that has every thread, and uneven images even out over a batch.
///
/// Each image has a place of its own for two batches, so none waits in another's way. All memory is allocated
/// here, none in a step.
public final class RunAheadBatch: EpochBatch, @unchecked Sendable {
    private let images: any ImageSource
    private let queue: LoadingQueue
    private let workers: Workers
    private let help: Workers.Body
    private var places = 0..<0
    private var seed: UInt64 = 0
    private var epoch = 0

    /// - Parameters:
    ///   - batchSize: the images of a batch, which begins at a multiple of it; an epoch's last may have fewer.
    ///   - layout: the network's.
    ///   - loaders: threads that load ahead; without any the workers load each batch when it begins.
    ///   - workers: those that compute, and help.
    /// - Throws: `DataError.noImages` where there are none; `AllocationError` where memory runs out.
    public init(
        _ images: any ImageSource, batchSize: Int, layout: Layout, loaders: Int, workers: Workers
    ) throws {
        guard images.count >= 1 else { throw DataError.noImages(dataset: images.name) }
        precondition(batchSize >= 1, "batches of \(batchSize) images")
        let queue = try LoadingQueue(images, batchSize: batchSize, layout: layout)
        self.images = images
        self.queue = queue
        self.workers = workers
        help = { _, _ in queue.loadBatch() }
        // Until they are shuffled, images come as they are numbered.
        queue.begin(order: Array(0..<images.count), seed: seed, epoch: epoch)
        for _ in 0..<loaders { queue.startLoader() }
    }

    deinit { queue.stop() }

    public var count: Int { images.count }
    public var bytesAhead: Int { queue.bytes }

    public func shuffle(seed: UInt64, epoch: Int) {
        places = 0..<0
        (self.seed, self.epoch) = (seed, epoch)
        queue.begin(
            order: CounterRandom(seed: seed, purpose: .shuffle, epoch: epoch).permutation(count: count),
            seed: seed, epoch: epoch)
    }

    public func begin(_ places: Range<Int>) throws {
        let follows = !self.places.isEmpty && places.lowerBound == self.places.upperBound
        self.places = places
        queue.begin(places, follows: follows)
        workers.run(jobs: workers.count, help)
        do {
            try queue.finishBatch()
        } catch {
            // What follows is not what would have followed.
            self.places = 0..<0
            throw error
        }
    }

    public func load(_ position: Int, into tensor: Tensor, at index: Int) {
        queue.copy(places.lowerBound + position, into: tensor, at: index)
        images.whitening?.apply(to: tensor.images(index..<index + 1))
    }

    public func load(_ positions: Range<Int>, into tensor: Tensor) {
        for (index, position) in positions.enumerated() {
            queue.copy(places.lowerBound + position, into: tensor, at: index)
        }
        images.whitening?.apply(to: tensor)
    }

    public func label(at position: Int) -> Int { images.label(of: image(at: position)) }

    public func mixture(at position: Int) -> Mixture? {
        images.mixture(of: image(at: position), seed: seed, epoch: epoch)
    }

    private func image(at position: Int) -> Int { queue.order[places.lowerBound + position] }
}
