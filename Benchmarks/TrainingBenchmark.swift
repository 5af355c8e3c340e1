import Apus

/// Whole steps of training: loading a shuffled batch, forward, backward and update.
struct TrainingBenchmark {
    struct Result: Codable {
        let name: String
        let batchSize: Int
        let threads: Int
        let imagesPerSecond: Measurement
        /// Bytes held for training.
        let memoryBytes: Int
    }

    let model: any Model.Type
    let batchSize: Int
    let optimizer: any Optimizer

    var name: String { "\(model.name)/train" }

    /// The networks as they are usually trained.
    static let all = [
        TrainingBenchmark(
            model: LeNet5.self, batchSize: 64,
            optimizer: SGD(learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4)),
        TrainingBenchmark(
            model: LeNet5Original.self, batchSize: 64,
            optimizer: SGD(learningRate: 0.01, momentum: 0.9, weightDecay: 5e-4)),
        TrainingBenchmark(model: LeNet5Tutorial.self, batchSize: 128, optimizer: Adam()),
        TrainingBenchmark(
            model: SqueezeNet1_0.self, batchSize: 32, optimizer: SGD(learningRate: 0.01, momentum: 0.9)),
        TrainingBenchmark(
            model: SqueezeNet1_1.self, batchSize: 32, optimizer: SGD(learningRate: 0.01, momentum: 0.9)),
    ]

    func run(threads: Int, rounds: Int, seconds: Double) throws -> Result {
        let classes = model.defaultClasses
        // A hundred batches, but no more than a few megabytes of images. The end of an epoch, with a test of one
        // image, is among the steps.
        let batches = max(2, min(100, (16 << 20) / (batchSize * model.input.count)))
        let channels = model.input.channels
        let data = try DatasetSplits(
            train: .synthetic(
                count: batches * batchSize, shape: model.input, classes: classes, seed: 1, split: "train"),
            test: .synthetic(count: 1, shape: model.input, classes: classes, seed: 1, split: "test"),
            normalization: Normalization(
                mean: [Double](repeating: 0.5, count: channels),
                deviation: [Double](repeating: 0.25, count: channels)))
        let trainer = try Trainer(
            Classifier(model.init(classes: classes), for: data, seed: 1), on: data,
            TrainingConfiguration(
                epochs: 1 << 30, batchSize: batchSize, optimizer: optimizer, schedule: .constant),
            threads: threads)
        var rates: [Double] = []
        var images = 0
        var start: ContinuousClock.Instant?
        // The first round warms up.
        try trainer.fit { _ in
            let now = ContinuousClock.now
            guard let begun = start else {
                start = now
                return true
            }
            images += batchSize
            let elapsed = (now - begun) / .seconds(1)
            if elapsed >= seconds {
                rates.append(Double(images) / elapsed)
                images = 0
                start = now
            }
            return rates.count <= rounds
        }
        return Result(
            name: name, batchSize: batchSize, threads: threads,
            imagesPerSecond: Measurement(rates: Array(rates.dropFirst())),
            memoryBytes: trainer.memory.totalBytes)
    }
}
