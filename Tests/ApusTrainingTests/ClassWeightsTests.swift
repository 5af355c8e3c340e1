import ApusData
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Class weights")
struct ClassWeightsTests {
    /// Images of which class 0 has 40 and each other one 3, and as many of each to test on.
    private func unevenData() throws -> DatasetSplits {
        let data = try SmallTask.data(count: 200)
        let images = try SmallTask.images(count: 200)
        var kept = [Int](repeating: 0, count: 5)
        let chosen = (0..<200).filter { image in
            let label = images.label(of: image)
            kept[label] += 1
            return kept[label] <= (label == 0 ? 40 : 3)
        }
        return try DatasetSplits(
            train: images.subset(chosen), test: data.test, normalization: data.normalization)
    }

    @Test("A label that is none of the classes is an error")
    func strangeLabels() {
        for label in [-1, 3] {
            #expect(throws: TrainingError.configuration("a label of \(label); there are 3 classes")) {
                try ClassWeights.balanced.resolved(labels: [0, label], classes: 3)
            }
        }
    }

    @Test("Balanced ones let each class count the same, and one without images 1")
    func balanced() throws {
        let weights = try ClassWeights.balanced.resolved(labels: [0, 0, 0, 0, 0, 0, 2, 2, 3], classes: 4)
        #expect(weights == [0.5, 1, 1.5, 3])
    }

    @Test("Numbers are taken as they are, one for each class, all above 0")
    func values() throws {
        #expect(try ClassWeights.values([1, 2.5]).resolved(labels: [0, 1], classes: 2) == [1, 2.5])
        for values in [[1.0], [1, 0], [1, -1], [1, .infinity], [1, .nan], [1, 1e-60]] {
            #expect(throws: TrainingError.self) {
                try ClassWeights.values(values).resolved(labels: [0, 1], classes: 2)
            }
        }
    }

    private func trainer(_ weights: ClassWeights?, microBatch: Int? = nil, threads: Int = 2) throws -> Trainer
    {
        let data = try unevenData()
        var configuration = SmallTask.configuration(SmallTask.optimizers[1])
        configuration.microBatch = microBatch
        configuration.loss = SoftmaxCrossEntropy(
            classWeights: try weights?.resolved(
                labels: (0..<data.train.count).map(data.train.label(of:)), classes: 5))
        return try SmallTask.trainer(data, configuration, threads: threads)
    }

    @Test("Rare classes are heard: the weighted loss of a run that weighs is less")
    func heard() throws {
        let (plain, weighted) = (try trainer(nil), try trainer(.balanced))
        let loss = weighted.configuration.loss
        let test = try unevenData().test
        try plain.fit()
        try weighted.fit()
        let report = try weighted.classifier.evaluate(test, loss: loss)
        #expect(weighted.history.last?.testLoss == report.loss)
        #expect(try #require(report.loss) < #require(plain.classifier.evaluate(test, loss: loss).loss))
    }

    /// Losses are sums in double precision of what differs by 16 roundings at most.
    @Test("The loss of an epoch is the mean over the weights of its images")
    func mean() throws {
        var configuration = SmallTask.configuration(GradientDescent(learningRate: 0))
        configuration.epochs = 1
        configuration.clipNorm = nil
        let data = try unevenData()
        let weights: [Float] = [1, 2, 4, 8, 16]
        configuration.loss = SoftmaxCrossEntropy(classWeights: weights)
        // Without dropout, and without learning, an epoch's loss is that of the network as it is.
        let network = try Network(
            Sequential {
                Flatten()
                Linear(64, 5)
            }, input: SmallTask.shape, seed: 5)
        let classifier = try Classifier(
            modelName: "linear", network: network, classNames: data.train.classNames,
            normalization: data.normalization)
        let trainer = try Trainer(classifier, on: data, configuration)
        try trainer.fit()
        var (sum, total) = (0.0, 0.0)
        for image in 0..<data.train.count {
            let label = data.train.label(of: image)
            let answer = try classifier.predict(data.train.image(image))
            sum -= Double(weights[label]) * log(Double(answer.probabilities[label]))
            total += Double(weights[label])
        }
        let loss = try #require(trainer.history.first?.trainLoss)
        #expect(abs(loss - sum / total) < 16 * 0x1p-24 * 4)
        let plain = try #require(try classifier.evaluate(data.train).loss)
        #expect(abs(loss - plain) > 1e-3)
    }

    @Test("Computed in parts, and on any number of threads, a batch has the same bits")
    func sameBits() throws {
        let runs = try [(nil, 2), (9, 2), (nil, 1), (16, 3)].map { microBatch, threads in
            let trainer = try trainer(.balanced, microBatch: microBatch, threads: threads)
            try trainer.fit()
            return trainer
        }
        for run in runs.dropFirst() {
            #expect(run.classifier.bits == runs[0].classifier.bits)
            #expect(run.history.map(\.withoutTimes) == runs[0].history.map(\.withoutTimes))
        }
    }

    @Test("A run goes on with the sums of its weights", arguments: [1, 2, 3])
    func resumes(stop: Int) throws {
        let whole = try trainer(.balanced)
        try whole.fit()
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "run.apus")
        let first = try trainer(.balanced)
        try first.fit(onStep: { $0.step < stop })
        try first.save(to: file)
        let second = try trainer(.balanced)
        try second.resume(from: Checkpoint(contentsOf: file))
        #expect(second.progress == first.progress)
        try second.fit()
        #expect(second.classifier.bits == whole.classifier.bits)
        #expect(second.history.map(\.withoutTimes) == whole.history.map(\.withoutTimes))
    }

    @Test("A file of before there were class weights counts each image once")
    func oldFile() throws {
        let text = #"{"epoch":1,"stepInEpoch":2,"step":6,"images":64,"lossSum":3,"correct":9,"seconds":1}"#
        let progress = try JSONDecoder().decode(TrainingProgress.self, from: Data(text.utf8))
        #expect(progress.lossWeight == 64 && progress.loss == 3.0 / 64)
    }

    @Test("Weights of other classes are refused, in training and in tests")
    func refusals() throws {
        let data = try SmallTask.data()
        var configuration = SmallTask.configuration(SmallTask.optimizers[0])
        configuration.loss = SoftmaxCrossEntropy(classWeights: [1, 2])
        #expect(throws: PlanningError.self) { try SmallTask.trainer(data, configuration) }
        #expect(throws: PlanningError.self) {
            try SmallTask.classifier(data).evaluate(data.test, loss: configuration.loss)
        }
    }
}
