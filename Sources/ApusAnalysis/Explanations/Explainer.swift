import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining

/// Explains what a classifier says of images.
///
/// It has a copy of the network, unfused and frozen, and so explains the classifier as it was when this was made. Calls
/// that overlap take turns.
///
///     let explainer = try Explainer(classifier)
///     let explanation = try explainer.explain(image, by: .gradCAM(layer: "conv2"))
public struct Explainer: Sendable {
    /// What the images are classified by.
    private let classifier: Classifier
    private let workers: Workers

    /// Images that are explained at once.
    private static let greatestBatch = 32

    /// - Parameter threads: by default as many as the process may use.
    /// - Throws: `ExplanationError.endsInSoftmax` where the network's outputs are no logits; `AllocationError` where
    ///   memory runs out.
    public init(_ classifier: Classifier, threads: Int? = nil) throws {
        self.classifier = try Classifier(
            modelName: classifier.modelName, network: classifier.network.unfused(),
            classNames: classifier.classNames, preprocessing: classifier.preprocessing)
        workers = Workers(count: threads)
        if let last = network.chain.last(where: { !$0.isIdentity }), last.layer is Softmax {
            throw ExplanationError.endsInSoftmax(layer: last.path)
        }
    }

    /// The network that is explained: every layer computes its own output, and no parameter is trained.
    public var network: Network { classifier.network }
    public var classNames: [String] { classifier.classNames }

    /// The index of a class by its name, or by its number, from 0 on.
    ///
    /// - Throws: `ExplanationError.unknownClass` or `.classOutOfRange`.
    public func classIndex(_ text: String) throws -> Int {
        if let index = classNames.firstIndex(of: text) { return index }
        guard let index = Int(text) else {
            throw ExplanationError.unknownClass(name: text, known: classNames)
        }
        try check(index)
        return index
    }

    /// Explains one image, upright, of any size.
    ///
    /// - Parameter classIndex: the class to explain; by default the most probable one.
    /// - Throws: As for several images.
    public func explain(
        _ image: PixelImage, by method: any ExplanationMethod = .gradCAM(), classIndex: Int? = nil
    ) throws -> Explanation {
        try explain([image], by: method, classIndex: classIndex)[0]
    }

    /// Explains images, upright, of any sizes, a batch at a time on all threads.
    ///
    /// - Parameter classIndex: the class to explain; by default the most probable one of each image.
    /// - Throws: `ExplanationError` where the method does not suit the network, there is no such class, or a map is not
    ///   finite; `UnknownLayerError` where no layer goes by the method's path; `ClassifierError.notFinite` where the network's outputs are not;
    ///   `DataError.channelMismatch` where it sees neither grey nor coloured images; `AllocationError` where memory runs
    ///   out.
    public func explain(
        _ images: [PixelImage], by method: any ExplanationMethod = .gradCAM(), classIndex: Int? = nil
    ) throws -> [Explanation] {
        if let classIndex { try check(classIndex) }
        let layer = try method.layer(in: network)?.path
        return try stride(from: 0, to: images.count, by: Self.greatestBatch).flatMap { start in
            let batch = images[start..<min(start + Self.greatestBatch, images.count)]
            return try explain(batch, by: method, layer: layer, classIndex: classIndex)
        }
    }

    /// What the network sees of an image: `[channels, height, width]`, resized, normalised, and whitened where the
    /// classifier does so.
    ///
    /// - Throws: `DataError.channelMismatch` where it sees neither grey nor coloured images; `AllocationError` where
    ///   memory runs out.
    public func input(_ image: PixelImage) throws -> [Float] { try inputs([image])[0] }

    private func explain(
        _ batch: ArraySlice<PixelImage>, by method: any ExplanationMethod, layer: String?, classIndex: Int?
    ) throws -> [Explanation] {
        let images = Array(batch)
        let inputs = try inputs(images)
        let executor = try Executor(network, batchSize: images.count, workers: workers, isTraining: false)
        _ = executor.infer(VariantBatch(.unchanged(images.count), of: inputs), count: images.count)
        let (logits, predictions) = withExtendedLifetime(executor) {
            // Outputs become probabilities.
            (
                images.indices.map { executor.outputs.images($0..<$0 + 1).channelsFirstArray },
                classifier.predictions(executor.outputs)
            )
        }
        guard logits.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { throw ClassifierError.notFinite }
        let request = ExplanationRequest(
            network: network, classes: predictions.map { classIndex ?? $0.classIndex }, logits: logits,
            inputs: inputs, workers: workers)
        return try method.maps(request).enumerated().map { image, map in
            guard map.values.allSatisfy(\.isFinite) else {
                throw ExplanationError.notFinite(method: method.name, image: batch.startIndex + image)
            }
            let index = request.classes[image]
            return Explanation(
                map: map, method: method.name, layer: layer, isSigned: method.isSigned,
                classNames: classNames,
                inputSize: ImageSize(height: network.input.height, width: network.input.width),
                classIndex: index, score: logits[image][index],
                prediction: predictions[image])
        }
    }

    private func inputs(_ images: [PixelImage]) throws -> InputImages {
        let source = try PixelBatch(images, classifier.preprocessing)
        return try InputImages(source, count: images.count, shape: network.input, workers: workers)
    }

    private func check(_ index: Int) throws {
        guard classNames.indices ~= index else {
            throw ExplanationError.classOutOfRange(index: index, classes: classNames.count)
        }
    }
}
