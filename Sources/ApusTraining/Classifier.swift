import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation

/// A network with what it takes to use it: the names of its classes, and how images become its input.
///
/// Any number of tasks may predict and evaluate at once, but none while the network is being trained: what answers
/// then is a `snapshot`, taken between two steps.
public final class Classifier: Sendable {
    /// The model's name, by which a checkpoint finds it again.
    public let modelName: String
    public let network: Network
    public let classNames: [String]
    public let preprocessing: Preprocessing
    /// What training keeps of weights that were compressed.
    public let constraints: WeightConstraints

    private let executors: ExecutorPool

    public var normalization: Normalization { preprocessing.normalization }

    /// The answer for one image.
    public struct Prediction: Sendable, Hashable {
        /// The most probable class.
        public let classIndex: Int
        public let className: String
        /// The softmax of the network's outputs, one for each class.
        public let probabilities: [Float]

        /// The probability of the most probable class.
        public var confidence: Float { probabilities[classIndex] }

        /// The `count` most probable classes, or all where they are fewer, the most probable first.
        public func best(_ count: Int) -> [Int] {
            let order = probabilities.indices.sorted {
                (probabilities[$1], $0) < (probabilities[$0], $1)
            }
            return Array(order.prefix(count))
        }
    }

    /// - Parameter constraints: what training keeps of compressed weights; by default it moves all alike.
    /// - Throws: `ClassifierError` where the network's output and the classes disagree, or its input and what
    ///   images become; `ParameterError` where a constraint is on none of its parameters.
    public init(
        modelName: String, network: Network, classNames: [String], preprocessing: Preprocessing,
        constraints: WeightConstraints = WeightConstraints()
    ) throws {
        guard network.output == .features(classNames.count) else {
            throw ClassifierError.classCount(output: network.output, classes: classNames.count)
        }
        guard network.input == preprocessing.input else {
            throw ClassifierError.input(network: network.input, preprocessing: preprocessing.input)
        }
        self.modelName = modelName
        self.network = network
        self.classNames = classNames
        self.preprocessing = preprocessing
        self.constraints = constraints
        if let name = constraints.unknownName(in: network) { _ = try network.parameter(named: name) }
        executors = ExecutorPool(network)
    }

    /// A classifier of images that have the extent of the network's input.
    public convenience init(
        modelName: String, network: Network, classNames: [String], normalization: Normalization
    ) throws {
        try self.init(
            modelName: modelName, network: network, classNames: classNames,
            preprocessing: Preprocessing(network.input, normalization: normalization))
    }

    /// A new classifier of a model, for the images and classes of `data`. Classes of the model beyond those of
    /// `data` are named by their numbers.
    ///
    /// - Parameters:
    ///   - imageSize: what images are resized to; by default they keep their size, and where they differ they become
    ///     what the model was designed for. Grey ones become of as many channels as that.
    ///   - preprocessing: what becomes of images, in place of `imageSize` and the normalisation of `data`.
    ///   - whitening: is fitted to the training images.
    ///   - backend: what computes products and convolutions.
    ///   - freezing: describes, by their names, the parameters that training leaves as they are.
    ///   - seed: of the parameters, and of the images that the whitening is fitted to.
    ///   - threads: that fit the whitening, by default as many as the process may use.
    /// - Throws: `PlanningError` where the model cannot be built for the images, `ClassifierError` where it has
    ///   fewer classes than `data`, `WhiteningError` where images cannot be whitened.
    public convenience init(
        _ model: any Model, for data: DatasetSplits, imageSize: ImageSize? = nil,
        preprocessing: Preprocessing? = nil, whitening: Whitening.Settings? = nil,
        backend: Backend = .preferred, freezing: [NamePattern] = [], seed: UInt64 = 0, threads: Int? = nil
    ) throws {
        let designed = type(of: model).input
        let size = data.imageSize ?? ImageSize(height: designed.height, width: designed.width)
        let plain =
            try preprocessing
            ?? Preprocessing(for: data, size: imageSize ?? size, channels: designed.channels)
        // What cannot be built is better known before anything is fitted.
        let network = try Network(
            model, input: plain.input, seed: seed, backend: backend, freezing: freezing)
        let whitened = try whitening.map {
            try plain.whitened($0, on: data.train, seed: seed, threads: threads)
        }
        let (names, count) = (data.train.classNames, data.train.classCount)
        try self.init(
            modelName: model.variantName, network: network,
            classNames: names + (count..<max(count, model.classes)).map { "class \($0)" },
            preprocessing: whitened ?? plain)
    }

    /// The same classifier with parameters of its own, a copy of these as they are: it answers alike, whatever
    /// becomes of this one.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func snapshot() throws -> Classifier { try with(network.copy(), constraints) }

    /// This classifier, its network included, with constraints on what training moves.
    ///
    /// - Throws: `ParameterError` where one is on none of its parameters.
    public func constrained(by constraints: WeightConstraints) throws -> Classifier {
        try with(network, constraints)
    }

    /// This classifier with another network of the same model.
    func with(_ network: Network, _ constraints: WeightConstraints) throws -> Classifier {
        try Classifier(
            modelName: modelName, network: network, classNames: classNames, preprocessing: preprocessing,
            constraints: constraints)
    }

    /// Classifies one image of bytes, `[height, width, channels]`, as datasets hold it.
    ///
    /// It computes on the calling thread, with memory that later calls use again.
    ///
    /// - Throws: `DataError.pixelCountMismatch` where it is not of the extent of `preprocessing.image`.
    public func predict(_ pixels: [UInt8]) throws -> Prediction {
        try predict(batch([pixels]))
    }

    /// Classifies images of bytes, a batch at a time on all threads; calls take turns.
    ///
    /// - Throws: `DataError.pixelCountMismatch` where one is not of the extent of `preprocessing.image`.
    public func predict(_ images: [[UInt8]]) throws -> [Prediction] {
        guard !images.isEmpty else { return [] }
        let batch = try batch(images)
        return try predict(count: images.count) { places in
            batch.start = places.lowerBound
            return batch
        }
    }

    /// Classifies the first image of a batch.
    func predict(_ batch: any BatchSource) throws -> Prediction {
        try executors.withSingle { executor in
            _ = executor.infer(batch, count: 1)
            return predictions(executor.outputs)[0]
        }
    }

    /// Classifies `count` images, of which `batch` gives those at places that follow each other.
    func predict(count: Int, batch: (Range<Int>) throws -> any BatchSource) throws -> [Prediction] {
        try executors.withBatched { executor in
            try stride(from: 0, to: count, by: executor.batchSize).flatMap { start in
                let places = start..<min(start + executor.batchSize, count)
                _ = executor.infer(try batch(places), count: places.count)
                return predictions(executor.outputs)
            }
        }
    }

    /// Images as the network sees them.
    private func batch(_ images: [[UInt8]]) throws -> DatasetBatch {
        for (index, pixels) in images.enumerated() where pixels.count != preprocessing.image.count {
            throw DataError.pixelCountMismatch(
                dataset: images.count == 1 ? "image" : "image \(index)", found: pixels.count, count: 1,
                shape: preprocessing.image.description)
        }
        // Nobody asks for their labels.
        let dataset = try ImageDataset(
            name: "images", split: "predict", shape: preprocessing.image,
            pixels: images.count == 1 ? images[0] : Array(images.joined()),
            labels: [UInt16](repeating: 0, count: images.count), classNames: ["unknown"])
        return try DatasetBatch(dataset, preprocessing)
    }

    /// What a network's outputs say; they become their softmax.
    package func predictions(_ outputs: Tensor) -> [Prediction] {
        SoftmaxKernel.forward(outputs, into: outputs)
        return (0..<outputs.batch).map { image in
            let best = Reductions.argmax(outputs, image: image)
            return Prediction(
                classIndex: best, className: classNames[best],
                probabilities: outputs.images(image..<image + 1).channelsFirstArray)
        }
    }

    /// Classifies every image of `data` and compares with its labels.
    ///
    /// - Parameters:
    ///   - threads: by default as many as the process may use.
    ///   - loss: whose mean the report gives.
    ///   - onProgress: gets the images done so far, after each batch.
    /// - Throws: `ClassifierError.dataset` where images in memory are not those the classifier is for, or there are
    ///   more classes; what keeps an image from being read.
    public func evaluate(
        _ data: any Dataset, loss: any Loss = SoftmaxCrossEntropy(), batchSize: Int = 256,
        threads: Int? = nil,
        onProgress: ((Int) -> Void)? = nil
    ) throws -> ClassificationReport {
        try test(data, loss: loss, batchSize: batchSize, threads: threads, onProgress: onProgress).report
    }

    /// As `evaluate`, and tells the worst mistakes too.
    public func test(
        _ data: any Dataset, loss: any Loss = SoftmaxCrossEntropy(), batchSize: Int = 256,
        threads: Int? = nil,
        onProgress: ((Int) -> Void)? = nil
    ) throws -> TestOutcome {
        let evaluator = try Evaluator(
            self, data, loss: loss, batchSize: batchSize, workers: Workers(count: threads))
        return try evaluator.evaluate(onProgress: onProgress)
    }

    /// Classes go by their numbers: those of `data` must be the first of the network's.
    package func checkClasses(of data: any Dataset) throws {
        for (index, (found, expected)) in zip(data.classNames, classNames).enumerated()
        where found != expected {
            throw ClassifierError.className(
                dataset: "\(data.name) (\(data.split))", index: index, found: found, expected: expected)
        }
    }

    func check(_ data: ImageDataset) throws {
        guard data.shape == preprocessing.image, data.classCount <= classNames.count else {
            throw ClassifierError.dataset(
                name: "\(data.name) (\(data.split))", shape: data.shape, classes: data.classCount,
                image: preprocessing.image, expected: classNames.count)
        }
    }

    /// Images that come as the network's input.
    func check(_ images: any ImageSource) throws {
        guard images.shape == network.input, images.classCount <= classNames.count else {
            throw ClassifierError.dataset(
                name: images.name, shape: images.shape, classes: images.classCount, image: network.input,
                expected: classNames.count)
        }
    }
}

/// A classifier whose parts do not fit each other, or the data.
public enum ClassifierError: Error, Sendable, Hashable, CustomStringConvertible {
    case classCount(output: Shape, classes: Int)
    case input(network: Shape, preprocessing: Shape)
    case dataset(name: String, shape: Shape, classes: Int, image: Shape, expected: Int)
    /// The class of a number has one name in a dataset and another in the network.
    case className(dataset: String, index: Int, found: String, expected: String)
    /// What the network makes of an image.
    case notFinite

    public var description: String {
        switch self {
        case .classCount(let output, let classes):
            "the network's output is \(output), but there are \(classes) classes"
        case .input(let network, let preprocessing):
            "the network's input is \(network), but images become \(preprocessing)"
        case .dataset(let name, let shape, let classes, let image, let expected):
            "\(name) has \(classes) classes of \(shape) images, but the network was built for "
                + "\(expected) classes of \(image) images"
        case .notFinite: "the network's outputs are not finite: found no probabilities of its classes"
        case .className(let dataset, let index, let found, let expected):
            "\(dataset): found \(found) as its class \(index), expected \(expected), which the network was trained for"
        }
    }
}
