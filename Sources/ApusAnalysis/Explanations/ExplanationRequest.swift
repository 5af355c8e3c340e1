import ApusKernels
import ApusNN

/// Images that are to be explained, a class for each, and the network that sees them.
public struct ExplanationRequest: Sendable {
    /// Every layer computes its own output, and no parameter is trained.
    public let network: Network
    /// The class to explain of each image.
    public let classes: [Int]
    /// What the network gives for each image, `[classes]`.
    public let logits: [[Float]]
    let inputs: InputImages
    let workers: Workers

    /// Images that are computed at once.
    private static let greatestBatch = 64

    public var count: Int { classes.count }

    /// An image as the network sees it, `[channels, height, width]`.
    public func input(_ image: Int) -> [Float] { inputs[image] }

    /// The outputs of a layer of `network`, of each image.
    ///
    /// - Throws: `ExplanationError.unseenLayer` where it is none of `network.namedLayers`; `AllocationError` where memory
    ///   runs out.
    public func activations(of layer: PlannedLayer) throws -> [FeatureMaps] {
        let outputs = try recorder(of: layer)
        try forEachBatch(of: .unchanged(count), isTraining: false) { executor, batch, places in
            executor.observer = outputs.observer(from: places.lowerBound)
            _ = executor.infer(batch, count: places.count)
        }
        return outputs.maps(of: layer)
    }

    /// The outputs of a layer of `network`, and the gradients of each image's class score with respect to them.
    ///
    /// - Throws: As `activations(of:)`.
    public func activationsAndGradients(
        of layer: PlannedLayer
    ) throws -> [(activations: FeatureMaps, gradients: FeatureMaps)] {
        let (outputs, gradients) = (try recorder(of: layer), try recorder(of: layer))
        try forEachBatch(of: .unchanged(count), isTraining: true) { executor, batch, places in
            executor.observer = outputs.observer(from: places.lowerBound)
            executor.gradientObserver = gradients.observer(from: places.lowerBound)
            executor.computeScoreGradients(batch, count: places.count)
        }
        return Array(zip(outputs.maps(of: layer), gradients.maps(of: layer)))
    }

    private func recorder(of layer: PlannedLayer) throws -> LayerOutputs {
        guard network.namedLayers.contains(where: { $0 === layer }) else {
            throw ExplanationError.unseenLayer(kind: layer.layer.kind, path: layer.path)
        }
        return LayerOutputs(images: count, of: [layer.path])
    }

    /// Calls `body` with the gradient of the class score with respect to each variant, in turn.
    ///
    /// - Throws: `AllocationError` where memory runs out, and what `body` throws.
    public func forEachInputGradient(
        of variants: ImageVariants, _ body: (_ variant: Int, _ gradient: FeatureMaps) throws -> Void
    ) throws {
        try forEachBatch(of: variants, isTraining: true) { executor, batch, places in
            executor.computeScoreGradients(batch, count: places.count)
            guard let gradients = executor.inputGradients else { return }
            for (index, variant) in places.enumerated() {
                try body(variant, FeatureMaps(gradients, image: index))
            }
        }
    }

    /// Calls `body` with the network's outputs for each variant, `[classes]`, in turn.
    ///
    /// - Throws: `AllocationError` where memory runs out, and what `body` throws.
    public func forEachOutput(
        of variants: ImageVariants, _ body: (_ variant: Int, _ logits: [Float]) throws -> Void
    ) throws {
        try forEachBatch(of: variants, isTraining: false) { executor, batch, places in
            _ = executor.infer(batch, count: places.count)
            for (index, variant) in places.enumerated() {
                try body(variant, executor.outputs.images(index..<index + 1).channelsFirstArray)
            }
        }
    }

    private func forEachBatch(
        of variants: ImageVariants, isTraining: Bool,
        _ body: (_ executor: Executor, _ batch: VariantBatch, _ places: Range<Int>) throws -> Void
    ) throws {
        guard variants.count > 0 else { return }
        let size = min(variants.count, Self.greatestBatch)
        // With the input's gradient backward goes all the way, although nothing is trained.
        let executor = try Executor(
            network, batchSize: size, workers: workers, isTraining: isTraining, keepsInputGradient: isTraining
        )
        let batch = VariantBatch(variants, of: inputs, classes: classes)
        for start in stride(from: 0, to: variants.count, by: size) {
            batch.start = start
            try body(executor, batch, start..<min(start + size, variants.count))
        }
    }
}

extension Executor {
    fileprivate func computeScoreGradients(_ batch: VariantBatch, count: Int) {
        _ = computeGradients(batch, count: count, loss: ClassScore(), phase: .evaluation)
    }
}

extension FeatureMaps {
    fileprivate init(_ tensor: Tensor, image: Int) {
        self.init(shape: tensor.shape, values: tensor.images(image..<image + 1).channelsFirstArray)
    }
}
