import ApusAnalysis
import ApusData
import ApusKernels
import ApusNN
import ApusTraining

/// A small classifier and images for it.
enum InspectedTask {
    static let shape = Shape(height: 8, width: 8, channels: 1)

    static func images(count: Int = 50) throws -> ImageDataset {
        try .synthetic(count: count, shape: shape, classes: 5, seed: 3, split: "test")
    }

    static let layers = Sequential {
        Conv2D(1, 4, kernel: 3, padding: 1).named("conv")
        ReLU().named("relu")
        MaxPool2D(kernelSize: 2).named("pool")
        Flatten().named("flatten")
        Linear(64, 12).named("hidden")
        ReLU().named("relu2")
        Linear(12, 5).named("output")
    }

    static func classifier(_ layers: Sequential = layers, layout: Layout = .channelsFirst) throws
        -> Classifier
    {
        let network = try Network(layers, input: shape, seed: 5, layout: layout)
        return try Classifier(
            modelName: "task", network: network, classNames: try images(count: 5).classNames,
            normalization: Normalization(mean: [0.5], deviation: [0.25]))
    }

    /// Every output of a layer for the images, `[images, channels, height, width]`.
    ///
    /// - Parameter batchSize: by default all images are one batch; products of other batches may round in another order.
    static func outputs(
        _ classifier: Classifier, _ data: ImageDataset, layer: String, batchSize: Int? = nil
    ) throws -> [Float] {
        let size = min(batchSize ?? data.count, data.count)
        let executor = try Executor(
            classifier.network.unfused(), batchSize: size, workers: Workers(count: 1), isTraining: false)
        let outputs = LayerOutputs(images: data.count, of: [layer])
        let batch = try DatasetBatch(data, classifier.preprocessing)
        for start in stride(from: 0, to: data.count, by: size) {
            batch.start = start
            executor.observer = outputs.observer(from: start)
            _ = executor.infer(batch, count: min(size, data.count - start))
        }
        return outputs.outputs(in: executor.network)[0].values
    }
}

extension Network {
    /// Changes a parameter's elements, in the order of files.
    func change(_ name: String, _ body: (inout [Float]) -> Void) throws {
        let parameter = try parameter(named: name)
        var values = values(of: parameter)
        body(&values)
        try setValues(values, of: parameter)
    }
}
