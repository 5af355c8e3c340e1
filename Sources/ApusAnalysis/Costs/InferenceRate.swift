import ApusData
import ApusKernels
import ApusNN
import ApusTraining

/// How many images a second classifiers classify, measured in turns, so that what else
/// the machine does hits all alike.
public enum InferenceRate {
    /// Images of a batch that takes a fair time: as many as come to two billion multiply-adds, from 8 to 256.
    public static func batchSize(for network: Network) -> Int {
        max(8, min(256, 2_000_000_000 / max(1, network.multiplyAdds)))
    }

    /// The median rate of each classifier, in images a second, over generated images that lie in memory.
    ///
    /// - Parameters:
    ///   - batchSize: images computed at once.
    ///   - rounds: turns of each classifier, after one that is not counted.
    ///   - seconds: of a turn, at least.
    ///   - threads: by default as many as the process may use.
    /// - Throws: `PlanningError` or `AllocationError` where there is no memory for the batch.
    public static func measure(
        _ classifiers: [Classifier], batchSize: Int, rounds: Int = 11, seconds: Double = 0.05,
        threads: Int? = nil
    ) throws -> [Double] {
        let workers = Workers(count: threads)
        let runs = try classifiers.map { try InferenceRun($0, batchSize: batchSize, workers: workers) }
        var rates = runs.map { _ in [Double]() }
        for round in 0...max(1, rounds) {
            for (index, run) in runs.enumerated() {
                let rate = run.rate(seconds: seconds)
                if round > 0 { rates[index].append(rate) }
            }
        }
        return rates.map { $0.sorted()[$0.count / 2] }
    }
}

/// A classifier with a batch to run on.
private struct InferenceRun {
    let executor: Executor
    let batch: DatasetBatch

    init(_ classifier: Classifier, batchSize: Int, workers: Workers) throws {
        executor = try Executor(
            classifier.network, batchSize: batchSize, workers: workers, isTraining: false)
        let images = try ImageDataset.synthetic(
            count: batchSize, shape: classifier.preprocessing.image, classes: 1, seed: 1, split: "test")
        batch = try DatasetBatch(images, classifier.preprocessing)
    }

    /// Images a second, over whole batches that take so long together.
    func rate(seconds: Double) -> Double {
        let start = ContinuousClock.now
        var images = 0
        while true {
            images += executor.infer(batch, count: executor.batchSize).images
            let elapsed = (ContinuousClock.now - start) / .seconds(1)
            if elapsed >= seconds { return Double(images) / elapsed }
        }
    }
}
