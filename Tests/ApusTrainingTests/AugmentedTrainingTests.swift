import ApusData
import ApusTraining
import TestSupport
import Testing

@Suite("Training on augmented images")
struct AugmentedTrainingTests {
    private static let moving = "rotate=20,shift=0.2,flip,elastic=5"

    private static func trainer(
        _ text: String = moving, threads: Int = 2, rate: Double = 0.05,
        loaders: Loaders = .computing(0)
    ) throws -> Trainer {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        return try Trainer(
            classifier,
            on: AugmentedImages(
                data.train, Augmentation(parsing: text), classifier.preprocessing, loaders: loaders),
            test: data.test,
            SmallTask.configuration(SGD(learningRate: rate, momentum: 0.9, weightDecay: 0)), threads: threads)
    }

    @Test(
        "A run has the same bits on any number of threads, and other ones than without",
        arguments: [moving, "mixup", "flip,mixup=1"])
    func threads(text: String) throws {
        let alone = try Self.trainer(text, threads: 1)
        try alone.fit()
        for (threads, loaders) in [(2, .computing(0)), (3, .computing(1)), (2, .waiting(3))]
            as [(Int, Loaders)]
        {
            let other = try Self.trainer(text, threads: threads, loaders: loaders)
            try other.fit()
            #expect(other.classifier.bits == alone.classifier.bits)
        }
        let plain = try Self.trainer("rotate=0")
        try plain.fit()
        #expect(plain.classifier.bits != alone.classifier.bits)
    }

    @Test(
        "A run that stops at any step and goes on ends with the same bits", arguments: [1, 4, 6],
        [moving, "flip,mixup"])
    func resume(stop: Int, text: String) throws {
        let whole = try Self.trainer(text)
        try whole.fit()
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "run.apus")
            let first = try Self.trainer(text)
            try first.fit(onStep: { $0.step < stop })
            try first.save(to: file)
            let second = try Self.trainer(text)
            try second.resume(from: Checkpoint(contentsOf: file))
            try second.fit()
            #expect(second.classifier.bits == whole.classifier.bits)
        }
    }

    @Test("Test images are never changed", arguments: [moving, "mixup=1"])
    func test(text: String) throws {
        // Without a step that moves anything, the test comes to the same.
        let (plain, augmented) = (try Self.trainer("rotate=0", rate: 0), try Self.trainer(text, rate: 0))
        try plain.fit()
        try augmented.fit()
        #expect(augmented.history.map(\.testLoss) == plain.history.map(\.testLoss))
        #expect(augmented.history[0].trainLoss != plain.history[0].trainLoss)
    }
}
