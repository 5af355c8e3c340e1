import Apus
import Foundation

/// README's example, letter by letter between the marks; `ReadmeTests` compares the two.
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
