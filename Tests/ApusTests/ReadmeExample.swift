import Apus
import Foundation

// README's examples, letter by letter between the marks; `ReadmeTests` compares the two.

func runReadmeExample(dataset: String, file: URL) throws -> (ClassificationReport, Classifier, Classifier) {
    // example
    let data = try DatasetSpecification(parsing: dataset).load()
    let classifier = try Classifier(LeNet5(), for: data, seed: 1)

    let trainer = try Trainer(classifier, on: data, TrainingConfiguration(epochs: 10, batchSize: 64))
    try trainer.fit(onEpoch: { epoch in
        print("epoch \(epoch.epoch): \(epoch.testAccuracy ?? 0)")
        return true
    })

    let report = try classifier.evaluate(data.test)
    let answer = try classifier.predict(data.test.image(0))
    print(report.accuracy, answer.className, answer.confidence)

    try classifier.save(to: file)
    let again = try Classifier.load(from: file)
    // end
    return (report, classifier, again)
}

func followReadmeRun(
    _ trainer: Trainer, folder: URL, images: [PixelImage]
) async throws -> ([Classifier.Prediction], [Classifier.Prediction]) {
    // example
    let saver = RunSaver(trainer, in: try .new(at: folder), every: .seconds(60), keeping: 3)
    let events = trainer.events(onStep: { _ in try saver.keepStep() }, onEpoch: { try saver.keep($0) })
    for try await event in events {
        if case .epoch(let record) = event { print(record.testLoss ?? 0) }
    }

    let snapshot = try trainer.tested.snapshot()
    let answers = try await withThrowingTaskGroup(of: Classifier.Prediction.self) { group in
        for image in images { group.addTask { try snapshot.predict(image) } }
        return try await group.reduce(into: []) { $0.append($1) }
    }
    let sameInOrder = try snapshot.predict(images)
    // end
    return (answers, sameInOrder)
}

func predictReadmeFiles(_ classifier: Classifier, files: [URL]) throws {
    // example
    try classifier.predict(files: files) { file, outcome in
        print(file.lastPathComponent, (try? outcome.get().className) ?? "no image")
    }
    try classifier.export(to: URL(filePath: "model.safetensors"))
    // end
}
