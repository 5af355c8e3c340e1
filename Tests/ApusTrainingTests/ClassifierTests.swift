import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Classifier")
struct ClassifierTests {
    /// LeNet-5 for images of 8x8 that it sees as 28x28.
    private func enlarging(_ data: DatasetSplits) throws -> Classifier {
        try Classifier(LeNet5(classes: 5), for: data, imageSize: ImageSize(28), seed: 2)
    }

    @Test("Images are resized for the network, in training, tests and predictions alike")
    func resizes() throws {
        let data = try SmallTask.data(count: 400)
        let classifier = try enlarging(data)
        #expect(classifier.network.input == LeNet5.input)
        #expect(classifier.preprocessing.image == SmallTask.shape)

        let trainer = try Trainer(
            classifier, on: data, SmallTask.configuration(Adam(learningRate: 2e-3)), threads: 2)
        try trainer.fit()
        let report = try classifier.evaluate(data.test)
        #expect(report.accuracy > 0.6, "chance is 0.2")
        let correct = try (0..<data.test.count).filter {
            try classifier.predict(data.test.image(at: $0)).classIndex == Int(data.test.labels[$0])
        }
        #expect(report.accuracy == Double(correct.count) / Double(data.test.count))
    }

    @Test("A model of colour sees grey images, each channel the same")
    func repeats() throws {
        let data = try SmallTask.data()
        let classifier = try Classifier(SqueezeNet1_1(classes: 5), for: data, imageSize: ImageSize(28))
        #expect(classifier.network.input == Shape(height: 28, width: 28, channels: 3))
        #expect(classifier.normalization.mean == [0.5, 0.5, 0.5])
        let probabilities = try classifier.predict(data.test.image(at: 0)).probabilities
        #expect(probabilities.count == 5 && probabilities.allSatisfy(\.isFinite))
    }

    private func holdsImageExtent(_ file: URL) throws -> Bool {
        try Data(contentsOf: file).range(of: Data(#""image":"#.utf8)) != nil
    }

    @Test("A checkpoint keeps what becomes of images; where they stay as they are, it says nothing of it")
    func checkpoint() throws {
        let data = try SmallTask.data()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "net.apus")
        let classifier = try enlarging(data)
        try classifier.save(to: file)
        #expect(try holdsImageExtent(file))
        let read = try Classifier.load(from: file)
        #expect(read.preprocessing == classifier.preprocessing)
        let image = data.test.image(at: 3)
        #expect(try read.predict(image) == classifier.predict(image))
        #expect(try read.evaluate(data.test) == classifier.evaluate(data.test))

        let plain = try SmallTask.classifier(data)
        try plain.save(to: file)
        #expect(try !holdsImageExtent(file))
        let again = try Checkpoint(contentsOf: file).classifier { SmallTask.layers(classes: $0) }
        #expect(again.preprocessing == plain.preprocessing)
    }

    @Test("Images are of the size that datasets hold, not of that which the network sees")
    func otherImages() throws {
        let classifier = try enlarging(SmallTask.data())
        #expect(throws: DataError.self) { try classifier.predict([UInt8](repeating: 0, count: 28 * 28)) }
        let larger = try ImageDataset.synthetic(
            count: 4, shape: LeNet5.input, classes: 5, seed: 1, split: "test")
        #expect(
            throws: ClassifierError.dataset(
                name: "synthetic (test)", shape: LeNet5.input, classes: 5, image: SmallTask.shape,
                expected: 5)
        ) { try classifier.evaluate(larger) }
    }

    @Test("Classes beyond those of the data are named by their numbers; fewer are refused")
    func classes() throws {
        let data = try SmallTask.data()
        let classifier = try Classifier(LeNet5(classes: 7), for: data, imageSize: ImageSize(28))
        #expect(classifier.classNames == (0..<7).map { "class \($0)" })
        #expect(try classifier.evaluate(data.test).perClass.map(\.support) == [8, 8, 8, 8, 8, 0, 0])
        #expect(throws: ClassifierError.classCount(output: .features(4), classes: 5)) {
            try Classifier(LeNet5(classes: 4), for: data, imageSize: ImageSize(28))
        }
    }

    @Test("What images become must be the network's input")
    func input() throws {
        let network = try Network(SmallTask.layers(), input: SmallTask.shape)
        let names = (0..<5).map { "class \($0)" }
        #expect(throws: ClassifierError.input(network: SmallTask.shape, preprocessing: LeNet5.input)) {
            try Classifier(
                modelName: "task", network: network, classNames: names,
                preprocessing: Preprocessing(LeNet5.input, normalization: .mnist))
        }
        #expect(throws: DataError.self) {
            try Classifier(
                modelName: "task", network: network, classNames: names,
                normalization: .symmetric(channels: 3))
        }
    }
}
