import ApusData
import ApusFormats
import ApusKernels
import ApusTraining
import Synchronization
import TestSupport
import Testing

@Suite("Trainer on images loaded ahead")
struct TrainerImageSourceTests {
    private static func trainer(
        _ data: DatasetSplits, _ images: StoredImages, threads: Int = 2, optimizer: Int = 0
    ) throws -> Trainer {
        try Trainer(
            SmallTask.classifier(data), on: images, test: data.test,
            SmallTask.configuration(SmallTask.optimizers[optimizer]), threads: threads)
    }

    @Test(
        "They give the bits of the same images in memory, on any number of threads",
        arguments: [.waiting(0), .waiting(3), .computing(1), .computing(2)] as [Loaders], [1, 2, 3])
    func sameBits(loaders: Loaders, threads: Int) throws {
        let data = try SmallTask.data()
        let inMemory = try SmallTask.trainer(data, SmallTask.configuration(SmallTask.optimizers[0]))
        try inMemory.fit()
        let trainer = try Self.trainer(data, StoredImages(data, loaders), threads: threads)
        #expect(trainer.workers.count == loaders.shares(of: threads).workers)
        try trainer.fit()
        #expect(trainer.classifier.bits == inMemory.classifier.bits)
        #expect(trainer.history.map(\.withoutTimes) == inMemory.history.map(\.withoutTimes))
        // Two batches of 32 images of 8x8 floats.
        let bytes = trainer.memory.activationBytes - inMemory.memory.activationBytes
        if trainer.workers.count == 2 { #expect(bytes == 2 * 32 * 8 * 8 * 4) }
    }

    @Test("A run that stops at any step and goes on ends with the same bits", arguments: [1, 3, 4, 6, 15])
    func resume(stop: Int) throws {
        let data = try SmallTask.data()
        let whole = try Self.trainer(data, StoredImages(data, .waiting(2)), optimizer: 1)
        try whole.fit()
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            let first = try Self.trainer(data, StoredImages(data, .waiting(1)), optimizer: 1)
            try first.fit(onStep: { $0.step < stop })
            try first.save(to: file)
            let second = try Self.trainer(data, StoredImages(data, .computing(1)), optimizer: 1)
            try second.resume(from: Checkpoint(contentsOf: file))
            try second.fit()
            #expect(second.classifier.bits == whole.classifier.bits)
            // And where the same trainer goes on.
            try first.fit()
            #expect(first.classifier.bits == whole.classifier.bits)
        }
    }

    @Test("What keeps an image from being loaded reaches the caller before its step, and the run may go on")
    func failure() throws {
        let data = try SmallTask.data()
        let whole = try Self.trainer(data, StoredImages(data, .waiting(2)))
        try whole.fit()
        let images = StoredImages(data, .waiting(2))
        let trainer = try Self.trainer(data, images)
        try trainer.fit(onStep: { $0.step < 5 })
        let (bits, progress) = (trainer.classifier.bits, trainer.progress)
        images.damage(0..<100)
        #expect(throws: StoredImages.Damage.self) { try trainer.fit() }
        #expect(trainer.classifier.bits == bits)
        #expect(trainer.progress.step == progress.step && trainer.progress.lossSum == progress.lossSum)
        images.damage(0..<0)
        #expect(try trainer.fit() == .completed)
        #expect(trainer.classifier.bits == whole.classifier.bits)
    }

    @Test("Images of another extent, or of more classes, are refused")
    func refusals() throws {
        let data = try SmallTask.data()
        let more = try SmallTask.data(classes: 6)
        #expect(throws: ClassifierError.self) { try Self.trainer(data, StoredImages(more, .waiting(1))) }
        let shape = Shape(height: 8, width: 7, channels: 1)
        let narrow = try ImageDataset.synthetic(count: 9, shape: shape, classes: 5, seed: 1, split: "train")
        let splits = try DatasetSplits(train: narrow, test: narrow, normalization: data.normalization)
        #expect(throws: ClassifierError.self) { try Self.trainer(data, StoredImages(splits, .waiting(1))) }
    }
}

/// A dataset's images, as if they were somewhere else, in which some can be damaged.
private final class StoredImages: ImageSource {
    struct Damage: Error {}

    let loaders: Loaders
    private let dataset: any Dataset
    private let table: [Float]
    private let damaged = Mutex(0..<0)

    init(_ data: DatasetSplits, _ loaders: Loaders) {
        dataset = data.train
        let size = data.imageSize ?? ImageSize(1)
        shape = Shape(height: size.height, width: size.width, channels: data.train.channels)
        table = data.normalization.table(channel: 0)
        self.loaders = loaders
    }

    var name: String { dataset.name }
    var count: Int { dataset.count }
    let shape: Shape
    var classCount: Int { dataset.classCount }
    func label(of image: Int) -> Int { dataset.label(of: image) }

    func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) throws {
        if damaged.withLock({ $0.contains(image) }) { throw Damage() }
        tensor.load(index, channelsFirst: try dataset.image(image).samples.map { table[Int($0)] })
    }

    func damage(_ images: Range<Int>) { damaged.withLock { $0 = images } }
}
