import ApusData
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import TestSupport

/// A small task: generated images of 8x8 pixels in five classes.
enum SmallTask {
    static let shape = Shape(height: 8, width: 8, channels: 1)

    static func data(count: Int = 100, classes: Int = 5) throws -> DatasetSplits {
        try DatasetSplits(
            train: images(count: count, classes: classes),
            test: ImageDataset.synthetic(count: 40, shape: shape, classes: classes, seed: 3, split: "test"),
            normalization: Normalization(mean: [0.5], deviation: [0.25]))
    }

    /// The images to train on.
    static func images(count: Int = 100, classes: Int = 5) throws -> ImageDataset {
        try .synthetic(count: count, shape: shape, classes: classes, seed: 3, split: "train")
    }

    /// Its images as PNG files, class by class, and the same in memory.
    static func files(in tree: ImageTree) throws -> (files: DatasetSplits, memory: DatasetSplits) {
        let data = try data()
        for (folder, split) in [("train", data.train), ("val", data.test)] {
            for image in 0..<split.count {
                let name = "\(folder)/class \(split.label(of: image))/\(image).png"
                try tree.write(split.image(image).png(), to: name)
            }
        }
        let (train, test) = try ImageFolder.splits(at: tree.path)
        func inMemory(_ folder: ImageFolder) throws -> ImageDataset {
            try ImageDataset(
                name: folder.name, split: folder.split, shape: shape,
                pixels: (0..<folder.count).flatMap { try folder.image($0).samples },
                labels: (0..<folder.count).map { UInt16(folder.label(of: $0)) }, classNames: folder.classNames
            )
        }
        return (
            try DatasetSplits(train: train, test: test, normalization: data.normalization),
            try DatasetSplits(
                train: inMemory(train), test: inMemory(test), normalization: data.normalization)
        )
    }

    static func layers(classes: Int = 5, hidden: Int = 12) -> Sequential {
        Sequential {
            Conv2D(1, 4, kernel: 3, padding: 1).named("conv")
            ReLU().named("relu")
            MaxPool2D(kernelSize: 2).named("pool")
            Flatten().named("flatten")
            Linear(64, hidden).named("hidden")
            Dropout(rate: 0.2).named("dropout")
            Linear(hidden, classes).named("output")
        }
    }

    static func classifier(_ data: DatasetSplits, name: String = "task", hidden: Int = 12) throws
        -> Classifier
    {
        try Classifier(
            modelName: name,
            network: try Network(
                layers(classes: data.train.classCount, hidden: hidden), input: shape, seed: 5),
            classNames: data.train.classNames, normalization: data.normalization)
    }

    static func trainer(
        _ data: DatasetSplits, _ configuration: TrainingConfiguration, threads: Int = 2
    ) throws -> Trainer {
        try Trainer(try classifier(data), on: data, configuration, threads: threads)
    }

    /// Four epochs of four steps, the last of which has fewer images.
    static func configuration(_ optimizer: any Optimizer) -> TrainingConfiguration {
        TrainingConfiguration(epochs: 4, batchSize: 32, optimizer: optimizer, clipNorm: 1, seed: 9)
    }

    static let optimizers: [any Optimizer] = [
        SGD(learningRate: 0.05, momentum: 0.9, weightDecay: 5e-4), Adam(learningRate: 2e-3),
    ]
}

extension Classifier {
    /// The bits of all parameters.
    var bits: [UInt32] {
        network.parameters.flatMap { network.values(of: $0) }.map(\.bitPattern)
    }
}

extension EpochRecord {
    /// The record without what depends on the clock.
    var withoutTimes: EpochRecord {
        var record = self
        record.imagesPerSecond = 0
        record.seconds = 0
        return record
    }
}
