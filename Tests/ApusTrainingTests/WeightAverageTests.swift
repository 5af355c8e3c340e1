import ApusData
import ApusKernels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("The average of the weights")
struct WeightAverageTests {
    private func configuration(_ decay: Double? = 0.7, optimizer: Int = 0) -> TrainingConfiguration {
        var configuration = SmallTask.configuration(SmallTask.optimizers[optimizer])
        configuration.averageDecay = decay
        return configuration
    }

    /// A difference, a product and a sum of numbers below the greatest weight, 16 times; later steps only
    /// shrink what earlier ones rounded.
    @Test("It follows the weights as its formula says, the first steps faster", arguments: [0, 0.7, 0.999])
    func formula(decay: Double) throws {
        let trainer = try SmallTask.trainer(SmallTask.data(), configuration(decay))
        var expected = trainer.classifier.network.parameterBlock.array.map { Double($0) }
        var greatest = 0.0
        try trainer.fit(onStep: { progress in
            let share = 1 - min(decay, Double(1 + progress.step) / Double(10 + progress.step))
            for (index, weight) in trainer.classifier.network.parameterBlock.array.enumerated() {
                expected[index] += share * (Double(weight) - expected[index])
                greatest = max(greatest, abs(Double(weight)))
            }
            return true
        })
        let average = trainer.tested.network.parameterBlock.array.map { Double($0) }
        expectClose(average, expected, absolute: 16 * 4 * 0x1p-24 * greatest)
        let weights = trainer.classifier.network.parameterBlock.array.map { Double($0) }
        #expect(try #require(worstDifference(weights, average)).error > (decay == 0 ? -1 : 1e-3))
    }

    @Test("It changes nothing of how the weights are trained, and is what is tested")
    func tested() throws {
        let data = try SmallTask.data()
        let plain = try SmallTask.trainer(data, configuration(nil))
        try plain.fit()
        #expect(plain.tested === plain.classifier)
        let averaged = try SmallTask.trainer(data, configuration())
        try averaged.fit()
        #expect(averaged.classifier.bits == plain.classifier.bits)
        #expect(averaged.tested.bits != plain.classifier.bits)
        #expect(averaged.history.map(\.trainLoss) == plain.history.map(\.trainLoss))
        #expect(try averaged.history.last?.testLoss == averaged.tested.evaluate(data.test).loss)
        #expect(averaged.memory.totalBytes > plain.memory.totalBytes)
    }

    @Test("What layers prepare from the average is of the average as it is now")
    func prepared() throws {
        let shape = Shape(height: 16, width: 16, channels: 1)
        let images = try ImageDataset.synthetic(count: 60, shape: shape, classes: 5, seed: 3, split: "train")
        let data = try DatasetSplits(
            train: images, test: images, normalization: Normalization(mean: [0.5], deviation: [0.25]))
        // Convolutions whose weights are packed before a batch.
        let layers = Sequential {
            Conv2D(1, 8, kernel: 3, padding: 1)
            ReLU()
            Conv2D(8, 8, kernel: 3, padding: 1)
            ReLU()
            Flatten()
            Linear(2048, 5)
        }
        let classifier = try Classifier(
            modelName: "prepared", network: Network(layers, input: shape, seed: 5, layout: .channelsLast),
            classNames: images.classNames, normalization: data.normalization)
        let trainer = try Trainer(classifier, on: data, configuration())
        try trainer.fit()
        #expect(try trainer.history.last?.testLoss == trainer.tested.evaluate(images).loss)
    }

    @Test("It begins with the weights as they are when training does")
    func begins() throws {
        let trainer = try SmallTask.trainer(SmallTask.data(), configuration())
        let other = try SmallTask.trainer(SmallTask.data(), configuration())
        for trainer in [trainer, other] { try trainer.classifier.network.initialize(seed: 77) }
        try trainer.fit(onStep: { _ in false })
        #expect(trainer.tested.bits != other.tested.bits)
        try other.classifier.network.initialize(seed: 77)
        try other.fit(onStep: { _ in false })
        #expect(trainer.tested.bits == other.tested.bits)
    }

    @Test("Any number of threads gives the same average")
    func threads() throws {
        let data = try SmallTask.data()
        let bits = try [1, 2, 3].map { threads in
            let trainer = try SmallTask.trainer(data, configuration(), threads: threads)
            try trainer.fit()
            return trainer.tested.bits
        }
        #expect(bits[1] == bits[0] && bits[2] == bits[0])
    }

    @Test(
        "A checkpoint answers with the average, and goes on with the weights", arguments: [0, 1],
        [1, 4, 7, 16])
    func checkpoint(optimizer: Int, stop: Int) throws {
        let data = try SmallTask.data()
        let whole = try SmallTask.trainer(data, configuration(optimizer: optimizer))
        try whole.fit()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        let first = try SmallTask.trainer(data, configuration(optimizer: optimizer))
        try first.fit(onStep: { $0.step < stop })
        try first.save(to: file)

        let checkpoint = try Checkpoint(contentsOf: file)
        let classifier = try checkpoint.classifier { SmallTask.layers(classes: $0) }
        #expect(classifier.bits == first.tested.bits && classifier.bits != first.classifier.bits)
        #expect(checkpoint.parameters.map(\.name) == classifier.network.parameters.map(\.name))

        let second = try Trainer(classifier, on: data, configuration(optimizer: optimizer))
        try second.resume(from: checkpoint)
        #expect(second.classifier.bits == first.classifier.bits && second.tested.bits == first.tested.bits)
        try second.fit()
        #expect(second.classifier.bits == whole.classifier.bits)
        #expect(second.tested.bits == whole.tested.bits)
        #expect(second.history.map(\.withoutTimes) == whole.history.map(\.withoutTimes))
    }

    @Test("Frozen parameters are what they are in the average too")
    func frozen() throws {
        let data = try SmallTask.data()
        let network = try Network(
            SmallTask.layers(), input: SmallTask.shape, seed: 5, freezing: [NamePattern("conv.*")])
        let classifier = try Classifier(
            modelName: "task", network: network, classNames: data.train.classNames,
            normalization: data.normalization)
        let trainer = try Trainer(classifier, on: data, configuration())
        try trainer.fit()
        for parameter in network.parameters where parameter.isFrozen {
            #expect(trainer.tested.network.values(of: parameter) == network.values(of: parameter))
        }
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        try trainer.save(to: file)
        let names = try Checkpoint(contentsOf: file).fileTensors.map(\.name)
        #expect(names.contains("raw.hidden.weight") && !names.contains("raw.conv.weight"))
    }

    @Test("A run that averages does not go on from one that did not, nor the other way round")
    func others() throws {
        let data = try SmallTask.data()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        for (saved, resumed) in [(0.7, nil), (nil, 0.7)] as [(Double?, Double?)] {
            let trainer = try SmallTask.trainer(data, configuration(saved))
            try trainer.fit(onStep: { $0.step < 3 })
            try trainer.save(to: file)
            let other = try SmallTask.trainer(data, configuration(resumed))
            let error = #expect(throws: TrainingError.self) {
                try other.resume(from: Checkpoint(contentsOf: file))
            }
            #expect(error?.description.contains("averaged weights") == true)
        }
    }

    @Test("A decay outside its range is refused", arguments: [-0.1, 1, .nan])
    func refusals(decay: Double) throws {
        #expect(throws: TrainingError.self) {
            try SmallTask.trainer(SmallTask.data(), configuration(decay))
        }
    }
}
