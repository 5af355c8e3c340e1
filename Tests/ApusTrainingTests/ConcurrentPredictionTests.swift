import ApusData
import ApusTraining
import TestSupport
import Testing

@Suite("Predictions from many tasks")
struct ConcurrentPredictionTests {
    private func images(_ data: DatasetSplits) -> [[UInt8]] {
        (0..<data.test.count).map(data.test.image(at:))
    }

    @Test("They are those of one task")
    func tasks() async throws {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        let images = images(data)
        let expected = try images.map { try classifier.predict($0) }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for index in images.indices {
                        let image = (index + task) % images.count
                        guard try classifier.predict(images[image]) == expected[image] else { return false }
                    }
                    return true
                }
            }
            for try await isRight in group { #expect(isRight) }
        }
    }

    /// Softmax of sums of 64 products, which a batch may add in another order.
    @Test("A batch is predicted as its images are, from many tasks too", arguments: [1, 40, 150])
    func batches(count: Int) async throws {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        let all = images(data)
        let images = (0..<count).map { all[$0 % all.count] }
        let expected = try images.map { try classifier.predict($0) }
        try await withThrowingTaskGroup(of: [Classifier.Prediction].self) { group in
            for _ in 0..<8 { group.addTask { try classifier.predict(images) } }
            for try await predictions in group {
                #expect(predictions.map(\.classIndex) == expected.map(\.classIndex))
                expectClose(
                    predictions.flatMap(\.probabilities), expected.flatMap(\.probabilities),
                    absolute: 2 * 64 * 0x1p-24)
            }
        }
        #expect(try classifier.predict([[UInt8]]()).isEmpty)
    }

    @Test("An image of another extent is named")
    func extents() throws {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        let error = #expect(throws: DataError.self) {
            try classifier.predict([data.test.image(at: 0), [1, 2, 3]])
        }
        #expect(error?.description.contains("image 1") == true)
        // Two wrongs that add up to a right count are no less wrong.
        let shapes = [[UInt8](repeating: 0, count: 63), [UInt8](repeating: 0, count: 65)]
        #expect(throws: DataError.self) { try classifier.predict(shapes) }
    }

    @Test("A snapshot answers as the classifier did, while that is trained on")
    func snapshot() async throws {
        let data = try SmallTask.data()
        let images = images(data)
        var configuration = SmallTask.configuration(SmallTask.optimizers[0])
        configuration.epochs = 40
        let trainer = try SmallTask.trainer(data, configuration)
        try trainer.fit(onEpoch: { $0.epoch < 2 })
        let snapshot = try trainer.classifier.snapshot()
        let expected = try images.map { try trainer.classifier.predict($0) }
        let events = trainer.events()
        async let ending = events.reduce(nil as TrainingEvent?) { $1 }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<20 {
                group.addTask { try images.map { try snapshot.predict($0) } == expected }
            }
            for try await isRight in group { #expect(isRight) }
        }
        #expect(try await ending == .end(.completed))
        #expect(try images.map { try snapshot.predict($0) } == expected)
        #expect(try images.map { try trainer.classifier.predict($0) } != expected)
    }
}
