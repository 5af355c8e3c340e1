import ApusKernels
import Foundation

/// Images of an epoch being loaded, by whoever asks for the next one, into a ring of two batches: the one that
/// is computed and the one after it.
///
/// Separate from `RunAheadBatch`, so that its threads do not keep that alive.
final class LoadingQueue: @unchecked Sendable {
    private let images: any ImageSource
    private let batchSize: Int
    private let block: FloatBuffer
    private let ring: Tensor
    private let changed = NSCondition()

    /// The image at each place of the epoch. Changed only while nothing is loaded.
    private(set) var order: [Int] = []

    // Under the lock of `changed`.
    private var seed: UInt64 = 0
    private var epoch = 0
    private var batch = 0..<0
    /// The next place to load, and the first that may not be loaded yet.
    private var next = 0
    private var limit = 0
    /// Images that are to be loaded still, of the batch in each half of the ring.
    private var missing = [0, 0]
    /// Images that somebody is loading.
    private var loading = 0
    /// The first place that could not be loaded, and why.
    private var failure: (place: Int, error: any Error)?
    private var isStopped = false

    init(_ images: any ImageSource, batchSize: Int, layout: Layout) throws {
        self.images = images
        self.batchSize = batchSize
        block = try FloatBuffer(count: 2 * batchSize * images.shape.count)
        // Images that share blocks of memory would be loaded into each other's cache lines.
        ring = Tensor(
            block.view, batch: 2 * batchSize, shape: images.shape,
            layout: layout == .imagesLast ? .channelsFirst : layout)
    }

    var bytes: Int { 4 * block.count }

    func startLoader() {
        // Where the system refuses the thread, the workers do its part.
        Thread { [self] in Workers.flushingDenormals(serve) }.start()
    }

    /// Lets the loaders end.
    func stop() {
        changed.withLock {
            isStopped = true
            changed.broadcast()
        }
    }

    /// Drops what was loaded ahead, and takes up another epoch.
    func begin(order: [Int], seed: UInt64, epoch: Int) {
        changed.withLock {
            drop()
            self.order = order
            self.seed = seed
            self.epoch = epoch
        }
    }

    /// Makes `places` the batch, and lets the one after it be loaded in place of the one before.
    ///
    /// - Parameter follows: whether the batch before is the one that was begun last; if not, what was loaded is
    ///   of no use.
    func begin(_ places: Range<Int>, follows: Bool) {
        precondition(
            places.lowerBound % batchSize == 0 && places.upperBound <= order.count
                && places.count == min(batchSize, order.count - places.lowerBound) && !places.isEmpty,
            "a batch of places \(places), of \(order.count) in batches of \(batchSize)")
        changed.withLock {
            if !follows {
                drop()
                next = places.lowerBound
                limit = next
            }
            batch = places
            while limit < min(places.lowerBound + 2 * batchSize, order.count) {
                let end = min(limit + batchSize, order.count)
                missing[half(limit)] = end - limit
                limit = end
            }
            changed.broadcast()
        }
    }

    /// Loads images of the batch until somebody is at each.
    func loadBatch() {
        while let work = changed.withLock({ claim(below: batch.upperBound) }) { load(work) }
    }

    /// Waits until the batch is loaded.
    ///
    /// - Throws: what kept the first image that could not be loaded from it.
    func finishBatch() throws {
        try changed.withLock {
            while missing[half(batch.lowerBound)] > 0 { changed.wait() }
            if let failure, failure.place < batch.upperBound { throw failure.error }
        }
    }

    /// Writes the image that was loaded for a place of the batch to image `index` of `tensor`.
    func copy(_ place: Int, into tensor: Tensor, at index: Int) {
        tensor.copy(index, from: ring, place % (2 * batchSize))
    }

    /// An image to load.
    private struct Work {
        let place: Int
        let image: Int
        let seed: UInt64
        let epoch: Int
    }

    private func half(_ place: Int) -> Int { place / batchSize & 1 }

    /// What a loader does until it is stopped.
    private func serve() {
        while let work = changed.withLock({ nextOrStop() }) { load(work) }
    }

    private func nextOrStop() -> Work? {
        while !isStopped {
            if let work = claim(below: limit) { return work }
            changed.wait()
        }
        return nil
    }

    private func claim(below end: Int) -> Work? {
        guard next < end else { return nil }
        let work = Work(place: next, image: order[next], seed: seed, epoch: epoch)
        next += 1
        loading += 1
        return work
    }

    private func load(_ work: Work) {
        var failed: (any Error)?
        do {
            try images.load(
                work.image, seed: work.seed, epoch: work.epoch, into: ring, at: work.place % (2 * batchSize))
        } catch {
            failed = error
        }
        changed.withLock {
            loading -= 1
            missing[half(work.place)] -= 1
            if let failed, work.place < failure?.place ?? .max { failure = (work.place, failed) }
            if loading == 0 || missing[half(work.place)] == 0 { changed.broadcast() }
        }
    }

    /// Waits for what is being loaded, and leaves nothing to load.
    private func drop() {
        next = limit
        while loading > 0 { changed.wait() }
        failure = nil
    }
}
