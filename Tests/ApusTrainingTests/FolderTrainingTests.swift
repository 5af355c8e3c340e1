import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Training on files") struct FolderTrainingTests {
    @Test("gives the bits of the same images in memory, on any number of threads")
    func sameBits() throws {
        let tree = try ImageTree()
        let (files, memory) = try SmallTask.files(in: tree)
        let configuration = SmallTask.configuration(SmallTask.optimizers[0])
        let expected = try SmallTask.trainer(memory, configuration)
        try expected.fit()
        for threads in 1...3 {
            let trainer = try SmallTask.trainer(files, configuration, threads: threads)
            try trainer.fit()
            #expect(trainer.classifier.bits == expected.classifier.bits)
            #expect(trainer.history.map(\.withoutTimes) == expected.history.map(\.withoutTimes))
        }
        let classifier = expected.classifier
        #expect(try classifier.evaluate(files.test) == classifier.evaluate(memory.test))
        let (parts, whole) = try (
            classifier.evaluate(files.test, batchSize: 7), classifier.evaluate(files.test)
        )
        #expect(parts.confusion == whole.confusion)
        // Products of another extent round in another order: 64 sums by 2^-24 of outputs up to some 10, which a loss
        // follows twice as far at most.
        try expectClose([#require(parts.loss)], [#require(whole.loss)], absolute: 2 * 64 * 10 * 0x1p-24)
        let image = try files.test.image(3)
        #expect(try classifier.predict(image) == classifier.predict(image.samples))
        #expect(try classifier.predict(image.converted(toChannels: 3)) == classifier.predict(image))
    }

    @Test("An image that cannot be read stops the run and the test with its name")
    func damage() throws {
        let tree = try ImageTree()
        let (files, _) = try SmallTask.files(in: tree)
        let trainer = try SmallTask.trainer(files, SmallTask.configuration(SmallTask.optimizers[0]))
        let classifier = trainer.classifier
        let file = try tree.write(Data(), to: "val/class 0/0.png")
        let error = #expect(throws: FormatError.self) { try classifier.evaluate(files.test) }
        #expect(error?.file == file.path)
        try tree.write(Data(), to: "train/class 0/0.png")
        #expect(throws: FormatError.self) { try trainer.fit() }
    }

    @Test("Images of other sizes are seen in the network's")
    func otherSizes() throws {
        let tree = try ImageTree()
        for index in 0..<4 {
            try tree.write(image: "a/\(index).png", height: 8 + index, width: 9, seed: UInt64(index))
        }
        let (train, test) = try ImageFolder.splits(at: tree.path)
        let data = try DatasetSplits(
            train: train, test: test, normalization: Normalization(mean: [0.5], deviation: [0.25]))
        let classifier = try Classifier(LeNet5(classes: 3), for: data)
        #expect(classifier.network.input == LeNet5.input)
        #expect(classifier.preprocessing.image == LeNet5.input)
        #expect(try classifier.evaluate(test).sampleCount == 1)
        let seen = try Classifier(SqueezeNet1_1(classes: 1), for: data, imageSize: ImageSize(32))
        #expect(seen.network.input == Shape(height: 32, width: 32, channels: 3))
        #expect(seen.preprocessing.image == Shape(height: 32, width: 32, channels: 1))
    }
}
