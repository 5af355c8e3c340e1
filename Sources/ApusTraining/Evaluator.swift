import ApusData
import ApusKernels
import ApusNN

/// Runs a classifier over a dataset, as often as asked.
final class Evaluator {
    let data: any Dataset
    private let classNames: [String]
    private let loss: any Loss
    private let executor: Executor
    private static let keptMistakes = 24
    private let batch: any EpochBatch

    init(
        _ classifier: Classifier, _ data: any Dataset, loss: any Loss, batchSize: Int, workers: Workers
    ) throws {
        try loss.check(classifier.network.output)
        try classifier.checkClasses(of: data)
        self.loss = loss
        self.data = data
        classNames = classifier.classNames
        var batchSize = min(batchSize, data.count)
        (batch, batchSize) = try classifier.batches(of: data, upTo: batchSize, workers: workers)
        executor = try Executor(
            classifier.network, batchSize: batchSize, workers: workers, isTraining: false)
    }

    func evaluate(onProgress: ((Int) -> Void)? = nil) throws -> TestOutcome {
        var matrix = ConfusionMatrix(classNames: classNames)
        var mistakes: [Mistake] = []
        var (lossSum, weight) = (0.0, 0.0)
        for start in stride(from: 0, to: data.count, by: executor.batchSize) {
            let count = min(executor.batchSize, data.count - start)
            try batch.begin(start..<start + count)
            let outcome = executor.infer(batch, count: count, loss: loss)
            lossSum += outcome.lossSum
            weight += outcome.weight
            let outputs = executor.outputs
            for image in 0..<count {
                let (actual, predicted) = (
                    batch.label(at: image), Reductions.argmax(outputs, image: image)
                )
                try matrix.record(actual: actual, predicted: predicted)
                if predicted != actual {
                    mistakes.append(
                        Mistake(
                            image: start + image, actual: actual, predicted: predicted,
                            outputs: outputs.images(image..<image + 1).channelsFirstArray))
                }
            }
            mistakes = mistakes.worst(Self.keptMistakes)
            onProgress?(start + count)
        }
        return TestOutcome(
            report: try ClassificationReport(matrix, loss: lossSum / weight), mistakes: mistakes)
    }
}
