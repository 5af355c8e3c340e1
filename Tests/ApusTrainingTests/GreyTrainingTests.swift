import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Colour for a network of one channel") struct GreyTrainingTests {
    private static let shape = Shape(height: 28, width: 28, channels: 3)

    private static func splits() throws -> DatasetSplits {
        func images(_ count: Int, _ split: String) throws -> ImageDataset {
            try .synthetic(count: count, shape: shape, classes: 3, seed: 4, split: split)
        }
        return try DatasetSplits(
            train: images(60, "train"), test: images(20, "test"),
            normalization: Normalization(mean: [0.2, 0.4, 0.6], deviation: [0.1, 0.2, 0.3]))
    }

    private static func grey(_ data: any Dataset) throws -> ImageDataset {
        try ImageDataset(
            name: data.name, split: data.split, shape: Shape(height: 28, width: 28, channels: 1),
            pixels: (0..<data.count).flatMap { try data.image($0).converted(toChannels: 1).samples },
            labels: (0..<data.count).map { UInt16(data.label(of: $0)) }, classNames: data.classNames)
    }

    @Test(
        "trains, tests and predicts to the bits of images that were grey, from memory and with augmentation")
    func sameBits() throws {
        let colour = try Self.splits()
        let classifier = try Classifier(LeNet5(classes: 3), for: colour, seed: 1)
        #expect(classifier.network.input == LeNet5.input)
        let grey = try DatasetSplits(
            train: Self.grey(colour.train), test: Self.grey(colour.test),
            normalization: classifier.normalization)
        let other = try Classifier(LeNet5(classes: 3), for: grey, seed: 1)
        let configuration = TrainingConfiguration(epochs: 2, batchSize: 16)
        for augmentation in [Augmentation(), Augmentation(RandomFlip())] {
            for (classifier, data) in [(classifier, colour), (other, grey)] {
                let trainer =
                    augmentation.transforms.isEmpty
                    ? try Trainer(classifier, on: data, configuration)
                    : try Trainer(
                        classifier,
                        on: AugmentedImages(data.train, augmentation, classifier.preprocessing),
                        test: data.test, configuration)
                try trainer.fit()
            }
            #expect(classifier.bits == other.bits)
        }
        #expect(try classifier.evaluate(colour.test) == other.evaluate(grey.test))
        let image = try colour.test.image(0)
        #expect(try classifier.predict(image) == other.predict(image))
        #expect(try classifier.predict(image.samples) == classifier.predict(image))

        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "net.apus")
        try classifier.save(to: file)
        #expect(try Classifier.load(from: file).preprocessing == classifier.preprocessing)
    }

    @Test("has the luma of the constants")
    func constants() throws {
        let normalization = try Preprocessing(for: Self.splits(), channels: 1).normalization
        #expect(normalization.channels == 1)
        #expect(abs(normalization.mean[0] - (0.299 * 0.2 + 0.587 * 0.4 + 0.114 * 0.6)) < 1e-15)
        #expect(abs(normalization.deviation[0] - (0.299 * 0.1 + 0.587 * 0.2 + 0.114 * 0.3)) < 1e-15)
    }
}
