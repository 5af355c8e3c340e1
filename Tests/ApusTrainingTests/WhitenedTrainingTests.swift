import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Training on whitened images")
struct WhitenedTrainingTests {
    private static func classifier(_ data: DatasetSplits, threads: Int = 2) throws -> Classifier {
        try Classifier(
            modelName: "task", network: try Network(SmallTask.layers(), input: SmallTask.shape, seed: 5),
            classNames: data.train.classNames,
            preprocessing: Preprocessing(SmallTask.shape, normalization: data.normalization).whitened(
                .init(.zca), on: data.train, threads: threads))
    }

    private static func trainer(
        _ data: DatasetSplits, threads: Int = 2, augmented: Bool = false
    ) throws -> Trainer {
        let classifier = try classifier(data, threads: threads)
        let configuration = SmallTask.configuration(SmallTask.optimizers[1])
        guard augmented else { return try Trainer(classifier, on: data, configuration, threads: threads) }
        return try Trainer(
            classifier,
            on: AugmentedImages(data.train, Augmentation(parsing: "shift=0.1"), classifier.preprocessing),
            test: data.test, configuration, threads: threads)
    }

    @Test(
        "A run has the same bits on any number of threads, and other ones than without",
        arguments: [false, true])
    func threads(augmented: Bool) throws {
        let data = try SmallTask.data()
        let alone = try Self.trainer(data, threads: 1, augmented: augmented)
        try alone.fit()
        let others = try Self.trainer(data, threads: 3, augmented: augmented)
        try others.fit()
        #expect(others.classifier.bits == alone.classifier.bits)
        #expect(others.history.map(\.withoutTimes) == alone.history.map(\.withoutTimes))
        let plain = try SmallTask.trainer(data, SmallTask.configuration(SmallTask.optimizers[1]))
        try plain.fit()
        #expect(plain.classifier.bits != alone.classifier.bits)
    }

    @Test("A checkpoint keeps the whitening to the last bit, and so its predictions and the rest of its run")
    func checkpoint() throws {
        let data = try SmallTask.data()
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            let whole = try Self.trainer(data)
            try whole.fit()
            let trainer = try Self.trainer(data)
            try trainer.fit(onStep: { $0.step < 6 })
            try trainer.save(to: file)

            let checkpoint = try Checkpoint(contentsOf: file)
            let read = try checkpoint.classifier(model: { SmallTask.layers(classes: $0) })
            #expect(read.preprocessing == trainer.classifier.preprocessing)
            #expect(try read.evaluate(data.test) == trainer.classifier.evaluate(data.test))
            let image = try data.test.image(3)
            #expect(try read.predict(image) == trainer.classifier.predict(image))
            #expect(try read.predict(image.samples) == trainer.classifier.predict(image.samples))
            // The parameters alone are the network's, and what is whitened with is among none of them.
            #expect(Set(checkpoint.parameters.map(\.name)) == Set(read.network.parameters.map(\.name)))

            let resumed = try Trainer(
                read, on: data, SmallTask.configuration(SmallTask.optimizers[1]), threads: 1)
            try resumed.resume(from: checkpoint)
            try resumed.fit()
            #expect(resumed.classifier.bits == whole.classifier.bits)
        }
    }

    @Test("Images are whitened alike where they are tested, predicted one by one, and in batches")
    func alike() throws {
        let data = try SmallTask.data()
        let trainer = try Self.trainer(data)
        try trainer.fit()
        let classifier = trainer.classifier
        let alone = try (0..<data.test.count).map { try classifier.predict(data.test.image($0)) }
        let correct = alone.indices.count { alone[$0].classIndex == data.test.label(of: $0) }
        #expect(
            try classifier.evaluate(data.test).accuracy == Double(correct) / Double(data.test.count))
        let together = try classifier.predict((0..<data.test.count).map { try data.test.image($0) })
        for (one, other) in zip(alone, together) {
            // Products of another extent round in another order, by 2^-24 of outputs up to some 10, 64 times.
            expectClose(one.probabilities, other.probabilities, absolute: 64 * 10 * 0x1p-23)
        }
    }

    @Test("What is exported makes of an image what the network sees")
    func export() throws {
        let data = try SmallTask.data()
        let classifier = try Self.classifier(data)
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.safetensors")
            try classifier.export(to: file)
            let card = try #require(ModelCard(in: try TensorFile(contentsOf: file)))
            let whitening = try #require(card.preprocessing.whitening)
            #expect(whitening.fit == classifier.preprocessing.whitening?.summary)
            #expect(whitening.file == "net.whitening.safetensors")
            let numbers = try TensorFile(contentsOf: directory.appending(path: "net.whitening.safetensors"))
            let (mean, matrix) = try (#require(numbers["mean"]), #require(numbers["matrix"]))
            #expect(mean.shape == [1, 8, 8] && matrix.shape == [64, 64])
            #expect(mean.floats == classifier.preprocessing.whitening?.mean)
            #expect(matrix.floats == classifier.preprocessing.whitening?.matrix)
        }
    }

    @Test(
        "An export replaces what an export wrote, removes a whitening that is none any more, and nothing else"
    )
    func exportAgain() throws {
        let data = try SmallTask.data()
        let (whitened, plain) = try (Self.classifier(data), SmallTask.classifier(data))
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.safetensors")
            let beside = directory.appending(path: "net.whitening.safetensors")
            func isThere(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }
            try whitened.export(to: file)
            try whitened.export(to: file)
            #expect(isThere(beside))
            try plain.export(to: file)
            #expect(!isThere(beside))

            let other = Data("somebody's".utf8)
            try other.write(to: beside)
            try plain.export(to: file)
            let before = try Data(contentsOf: file)
            #expect(throws: ExportError.isNoWhitening(path: beside.path)) { try whitened.export(to: file) }
            #expect(try Data(contentsOf: beside) == other && Data(contentsOf: file) == before)
        }
    }

    @Test("Where there are more images than it is fitted to, the seed draws them")
    func drawn() throws {
        let data = try SmallTask.data()
        func mean(seed: UInt64) throws -> [Float]? {
            try Classifier(
                LeNet5(classes: 5), for: data, imageSize: ImageSize(28),
                whitening: .init(.pca, images: 40), seed: seed
            ).preprocessing.whitening?.mean
        }
        #expect(try mean(seed: 1) == mean(seed: 1) && mean(seed: 1) != mean(seed: 2))
    }

    @Test("A file whose whitening is not whole is refused")
    func damaged() throws {
        let data = try SmallTask.data()
        let classifier = try Self.classifier(data)
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            try classifier.save(to: file)
            let bytes = try Data(contentsOf: file)
            let name = try #require(bytes.range(of: Data("preprocessing.matrix".utf8)))
            let last = bytes.count - 8..<bytes.count - 4
            for (place, new) in [
                (name, Data("preprocessing.mutrix".utf8)), (last, Data([0, 0, 0xC0, 0x7F])),
            ] {
                var changed = bytes
                changed.replaceSubrange(place, with: new)
                let sum = CRC32.checksum(changed.dropLast(4))
                changed.replaceSubrange(
                    changed.count - 4..<changed.count,
                    with: withUnsafeBytes(of: sum.littleEndian) { Data($0) })
                try changed.write(to: file)
                #expect(throws: CheckpointError.self) {
                    try Checkpoint(contentsOf: file).classifier(model: { SmallTask.layers(classes: $0) })
                }
            }
        }
    }

    @Test("A classifier for data is whitened by its training images")
    func forData() throws {
        let data = try SmallTask.data(count: 120)
        let classifier = try Classifier(
            LeNet5(classes: 5), for: data, imageSize: ImageSize(28), whitening: .init(.zca), threads: 2)
        let whitening = try #require(classifier.preprocessing.whitening)
        #expect(whitening.summary.images == 120 && whitening.input == LeNet5.input)
        // 784 pixels of resized images of 64, and no more than 119 directions of so few images.
        #expect(whitening.summary.flatDirections >= 784 - 64)
    }
}
