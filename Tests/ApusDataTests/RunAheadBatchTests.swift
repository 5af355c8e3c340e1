import ApusData
import ApusKernels
import Foundation
import Synchronization
import Testing

@Suite("Batches loaded ahead") struct RunAheadBatchTests {
    private static func order(_ count: Int, seed: UInt64, epoch: Int) -> [Int] {
        CounterRandom(seed: seed, purpose: .shuffle, epoch: epoch).permutation(count: count)
    }

    /// The values of the batch's images, as a network's input would have them.
    private static func contents(
        _ batch: RunAheadBatch, count: Int, _ layout: Layout = .channelsLast
    ) throws -> [Float] {
        let memory = try FloatBuffer(count: layout.floats(batch: count, NumberedImages.extent))
        let tensor = Tensor(memory.view, batch: count, shape: NumberedImages.extent, layout: layout)
        return withExtendedLifetime(memory) {
            for position in 0..<count { batch.load(position, into: tensor, at: position) }
            return tensor.channelsFirstArray
        }
    }

    private static func batch(
        _ images: NumberedImages, size: Int = 4, _ layout: Layout = .channelsLast, loaders: Int,
        workers: Int = 2
    ) throws -> RunAheadBatch {
        try RunAheadBatch(
            images, batchSize: size, layout: layout, loaders: loaders, workers: Workers(count: workers))
    }

    @Test(
        "Each batch holds the images of its places, each loaded once, whoever loads them",
        arguments: [0, 1, 5], [1, 3])
    func contents(loaders: Int, workers: Int) throws {
        for (count, size, layout) in [
            (10, 4, .channelsLast), (8, 4, .channelsFirst), (3, 3, .imagesLast), (1, 1, .channelsLast),
            (40, 1, .channelsFirst), (40, 17, .imagesLast),
        ] as [(Int, Int, Layout)] {
            let images = NumberedImages(count: count)
            let batch = try Self.batch(images, size: size, layout, loaders: loaders, workers: workers)
            for epoch in 0..<3 {
                batch.shuffle(seed: 7, epoch: epoch)
                let order = Self.order(count, seed: 7, epoch: epoch)
                for start in stride(from: 0, to: count, by: size) {
                    let places = start..<min(start + size, count)
                    try batch.begin(places)
                    let expected = order[places].flatMap { NumberedImages.values($0, seed: 7, epoch: epoch) }
                    #expect(try Self.contents(batch, count: places.count, layout) == expected)
                    #expect((0..<places.count).map(batch.label(at:)) == order[places].map { $0 % 3 })
                }
                #expect(images.loads == [Int](repeating: epoch + 1, count: count))
            }
        }
    }

    @Test("While a batch is in use the next one is loaded, and none after it")
    func runsAhead() throws {
        let images = NumberedImages(count: 20)
        let batch = try Self.batch(images, loaders: 2)
        batch.shuffle(seed: 1, epoch: 0)
        let order = Self.order(20, seed: 1, epoch: 0)
        for start in stride(from: 0, to: 16, by: 4) {
            try batch.begin(start..<start + 4)
            #expect(images.waits(forLoads: start + 8))
            #expect(Set(images.loadedImages) == Set(order[..<(start + 8)]))
        }
        try batch.begin(16..<20)
        #expect(images.loadedImages.count == 20)
    }

    @Test("An image that keeps a loader waiting keeps nobody else waiting before its batch")
    func waits() throws {
        let images = NumberedImages(count: 12)
        let batch = try Self.batch(images, loaders: 1)
        batch.shuffle(seed: 2, epoch: 0)
        let order = Self.order(12, seed: 2, epoch: 0)
        images.hold(order[5])
        try batch.begin(0..<4)
        #expect(images.waits(forLoads: 5))
        #expect(
            try Self.contents(batch, count: 4)
                == order[..<4].flatMap { NumberedImages.values($0, seed: 2, epoch: 0) })
        DispatchQueue.global().async { images.release() }
        try batch.begin(4..<8)
        #expect(
            try Self.contents(batch, count: 4)
                == order[4..<8].flatMap { NumberedImages.values($0, seed: 2, epoch: 0) })
    }

    @Test(
        "The first image of a batch that cannot be loaded is what beginning it throws", arguments: [0, 1, 3])
    func failure(loaders: Int) throws {
        let images = NumberedImages(count: 12)
        let batch = try Self.batch(images, loaders: loaders)
        batch.shuffle(seed: 3, epoch: 0)
        let order = Self.order(12, seed: 3, epoch: 0)
        images.damage([order[7], order[5], order[9]])
        try batch.begin(0..<4)
        for _ in 0..<2 {
            #expect(throws: NumberedImages.Damage(image: order[5])) { try batch.begin(4..<8) }
        }
        // No other batch is kept by that from beginning.
        images.damage([order[5]])
        try batch.begin(8..<12)
        images.damage([])
        try batch.begin(4..<8)
        #expect(
            try Self.contents(batch, count: 4)
                == order[4..<8].flatMap { NumberedImages.values($0, seed: 3, epoch: 0) })
        try batch.begin(8..<12)
    }

    @Test("Another epoch, or another place in it, may begin at any time", arguments: [0, 2])
    func restarts(loaders: Int) throws {
        let images = NumberedImages(count: 30)
        let batch = try Self.batch(images, loaders: loaders)
        for (epoch, start) in [(0, 0), (1, 8), (1, 20), (1, 4), (4, 28), (4, 0)] {
            batch.shuffle(seed: 4, epoch: epoch)
            let places = start..<min(start + 4, 30)
            let order = Self.order(30, seed: 4, epoch: epoch)
            // With and without going back to the order's beginning.
            for places in [places, 12..<16] {
                try batch.begin(places)
                #expect(
                    try Self.contents(batch, count: places.count)
                        == order[places].flatMap { NumberedImages.values($0, seed: 4, epoch: epoch) })
            }
        }
    }

    @Test("Its threads end when it is given back")
    func ends() throws {
        weak var images: NumberedImages?
        do {
            let source = NumberedImages(count: 9)
            images = source
            let batch = try Self.batch(source, loaders: 3)
            batch.shuffle(seed: 5, epoch: 0)
            try batch.begin(0..<4)
        }
        for _ in 0..<1000 where images != nil { Thread.sleep(forTimeInterval: 0.01) }
        #expect(images == nil)
    }

    @Test("Loaders that compute are taken from the threads, but one; those that wait are not")
    func shares() {
        func shares(_ loaders: Loaders, of threads: Int) -> [Int] {
            let shares = loaders.shares(of: threads)
            return [shares.loaders, shares.workers]
        }
        #expect(shares(.computing(2), of: 8) == [2, 6])
        #expect(shares(.computing(2), of: 2) == [1, 1])
        #expect(shares(.computing(2), of: 1) == [0, 1])
        #expect(shares(.waiting(16), of: 2) == [16, 2])
        #expect(shares(.waiting(-1), of: 1) == [0, 1])
    }

    @Test("No images are no batch")
    func empty() {
        #expect(throws: DataError.noImages(dataset: "numbers")) {
            try Self.batch(NumberedImages(count: 0), loaders: 1)
        }
    }
}

/// Images that hold their number, the seed and the epoch, and that can be held back or damaged.
private final class NumberedImages: ImageSource {
    struct Damage: Error, Equatable {
        let image: Int
    }

    private struct State {
        var loads: [Int]
        var damaged: Set<Int> = []
        var held: Int?
    }

    static let extent = Shape(height: 1, width: 1, channels: 3)

    let name = "numbers"
    let count: Int
    let shape = NumberedImages.extent
    let classCount = 3
    let loaders = Loaders.waiting(1)
    private let state: Mutex<State>
    private let loaded = DispatchSemaphore(value: 0)
    private let released = DispatchSemaphore(value: 0)
    private let taken = Mutex(0)

    init(count: Int) {
        self.count = count
        state = Mutex(State(loads: [Int](repeating: 0, count: count)))
    }

    static func values(_ image: Int, seed: UInt64, epoch: Int) -> [Float] {
        [Float(image), Float(seed), Float(epoch)]
    }

    func label(of image: Int) -> Int { image % 3 }

    func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) throws {
        let (isHeld, isDamaged) = state.withLock { ($0.held == image, $0.damaged.contains(image)) }
        if isHeld { released.wait() }
        tensor.load(index, channelsFirst: Self.values(image, seed: seed, epoch: epoch))
        if isDamaged { throw Damage(image: image) }
        state.withLock { $0.loads[image] += 1 }
        loaded.signal()
    }

    /// How often each image was loaded.
    var loads: [Int] { state.withLock { $0.loads } }

    var loadedImages: [Int] { loads.indices.filter { loads[$0] > 0 } }

    /// Waits until there were `count` loads in all; false where they do not come.
    func waits(forLoads count: Int) -> Bool {
        taken.withLock { taken in
            while taken < count {
                guard loaded.wait(timeout: .now() + 20) == .success else { return false }
                taken += 1
            }
            return true
        }
    }

    func damage(_ images: Set<Int>) { state.withLock { $0.damaged = images } }
    func hold(_ image: Int) { state.withLock { $0.held = image } }
    func release() { released.signal() }
}
