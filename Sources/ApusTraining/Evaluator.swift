import ApusData
import ApusKernels
import ApusNN

/// Runs a classifier over a dataset, as often as asked.
final class Evaluator {
    private let data: ImageDataset
    private let classNames: [String]
    private let loss: any Loss
    private let executor: Executor
    private let batch: DatasetBatch

    init(
        _ classifier: Classifier, _ data: ImageDataset, loss: any Loss, batchSize: Int, workers: Workers
    ) throws {
        try classifier.check(data)
        try loss.check(classifier.network.output)
        self.loss = loss
        self.data = data
        classNames = classifier.classNames
        executor = try Executor(
            classifier.network, batchSize: min(batchSize, data.count), workers: workers, isTraining: false)
        batch = try DatasetBatch(data, classifier.preprocessing)
    }

    func evaluate(onProgress: ((Int) -> Void)? = nil) throws -> ClassificationReport {
        var matrix = ConfusionMatrix(classNames: classNames)
        var (lossSum, weight) = (0.0, 0.0)
        for start in stride(from: 0, to: data.count, by: executor.batchSize) {
            let count = min(executor.batchSize, data.count - start)
            batch.start = start
            let outcome = executor.infer(batch, count: count, loss: loss)
            lossSum += outcome.lossSum
            weight += outcome.weight
            let outputs = executor.outputs
            for image in 0..<count {
                try matrix.record(
                    actual: batch.label(at: image),
                    predicted: Reductions.argmax(outputs, image: image))
            }
            onProgress?(start + count)
        }
        return try ClassificationReport(matrix, loss: lossSum / weight)
    }
}
