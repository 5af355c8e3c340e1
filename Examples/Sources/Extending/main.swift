import Apus
import Foundation

// A layer, a dataset and a callback of one's own, among those of the package.

// 1. The layer is right: its gradients are those of central differences, in every layout.
let compared = try checkGradients(of: ParametricReLU(3), input: Shape(height: 5, width: 4, channels: 3))
print("gradients: \(compared) numbers are those of central differences")

// 2. The data, and a network with the layer in it.
let train = Stripes(split: "train", count: 2000, seed: 1)
let test = Stripes(split: "test", count: 400, seed: 2)
let data = try DatasetSplits(train: train, test: test, normalization: .symmetric(channels: 1))
let layers = Sequential {
    Conv2D(1, 8, kernel: 5).named("conv")
    ParametricReLU(8).named("prelu")
    MaxPool2D(kernelSize: 2)
    Flatten()
    Linear(8 * 6 * 6, 4).named("fc")
}
let classifier = try Classifier(
    modelName: "stripes", network: Network(layers, input: Shape(height: 16, width: 16, channels: 1), seed: 1),
    classNames: train.classNames, normalization: data.normalization)

// 3. Training, until the callback has enough.
let trainer = try Trainer(classifier, on: data, TrainingConfiguration(epochs: 10, batchSize: 32))
let isDone = StopWhenGood(accuracy: 0.98)
try trainer.fit(onEpoch: { isDone($0) })

// 4. What it has become: a file that knows the network's numbers, and takes its layers from whoever reads it.
let slopes = classifier.network.values(of: try classifier.network.parameter(named: "prelu.weight"))
print("slopes: \(slopes.map { ($0 * 1000).rounded() / 1000 })")
let file = FileManager.default.temporaryDirectory.appending(path: "stripes-\(UUID()).apus")
defer { try? FileManager.default.removeItem(at: file) }
try classifier.save(to: file)
let loaded = try Checkpoint(contentsOf: file).classifier { _ in layers }
let report = try loaded.evaluate(test)
print("read again: accuracy \(report.accuracy) on \(test.count) images")
guard report.accuracy >= 0.9 else { exit(1) }
