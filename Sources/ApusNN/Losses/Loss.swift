import ApusKernels

/// What training makes small: a function of the network's outputs and the targets.
public protocol Loss: Sendable {
    /// Checks that outputs of `shape` can be judged.
    ///
    /// - Throws: `PlanningError` where they cannot.
    func check(_ shape: Shape) throws

    /// What an image of each class counts in the mean over a batch; nil where all count the same.
    var classWeights: [Float]? { get }

    /// The sum of the losses of a shard's images, each times what its class counts, and the gradient of `scale`
    /// times that sum.
    ///
    /// - Parameters:
    ///   - outputs: the network's, `[images, ...]`.
    ///   - labels: the class of each image.
    ///   - scale: 1 / what the images of the whole batch count together, so that gradients are those of the mean.
    ///   - gradient: where the gradient is written, of the outputs' shape; nil where it is not wanted.
    func evaluate(outputs: Tensor, labels: ArraySlice<Int32>, scale: Float, gradient: Tensor?) -> Double
}

extension Loss {
    public var classWeights: [Float]? { nil }

    /// What the first `count` images of `source` count together, those that are mixed as much of each class as their
    /// shares say.
    func weight(of source: any BatchSource, count: Int) -> Double {
        guard let classWeights else { return Double(count) }
        return (0..<count).reduce(0) { sum, position in
            let own = Double(classWeights[source.label(at: position)])
            guard let mixture = source.mixture(at: position) else { return sum + own }
            return sum + own + Double(mixture.share) * (Double(classWeights[mixture.label]) - own)
        }
    }
}

/// Cross-entropy of the softmax of logits against class labels, averaged over the batch, equal to PyTorch's.
///
/// With weights the mean is PyTorch's too: the sum of the weighted losses over the sum of the weights of the images'
/// classes.
public struct SoftmaxCrossEntropy: Loss {
    /// The part of the target spread evenly over all classes.
    public let labelSmoothing: Float
    public let classWeights: [Float]?

    public init(labelSmoothing: Float = 0, classWeights: [Float]? = nil) {
        self.labelSmoothing = labelSmoothing
        self.classWeights = classWeights
    }

    public func check(_ shape: Shape) throws {
        guard shape.isVector else {
            throw PlanningError(reason: "cross-entropy wants a vector of logits, found a map of \(shape)")
        }
        guard labelSmoothing >= 0, labelSmoothing <= 1 else {
            throw PlanningError(
                reason: "a label smoothing of \(labelSmoothing); it must lie between 0 and 1")
        }
        guard let classWeights else { return }
        guard classWeights.count == shape.channels else {
            throw PlanningError(
                reason: "\(classWeights.count) class weights; there are \(shape.channels) classes")
        }
        if let weight = classWeights.first(where: { !($0 > 0 && $0.isFinite) }) {
            throw PlanningError(reason: "a class weight of \(weight); it must be above 0 and finite")
        }
    }

    public func evaluate(
        outputs: Tensor, labels: ArraySlice<Int32>, scale: Float, gradient: Tensor?
    ) -> Double {
        if let classWeights {
            return SoftmaxKernel.weightedCrossEntropy(
                logits: outputs, labels: labels, weights: classWeights, smoothing: labelSmoothing,
                scale: scale, gradient: gradient)
        }
        return SoftmaxKernel.crossEntropy(
            logits: outputs, labels: labels, smoothing: labelSmoothing, scale: scale, gradient: gradient)
    }
}

/// The mean squared error against one-hot targets, averaged over images and classes, equal to PyTorch's.
public struct MeanSquaredError: Loss {
    /// The target of an image's class, and of all others.
    public let on: Float
    public let off: Float

    public init(on: Float = 1, off: Float = 0) {
        self.on = on
        self.off = off
    }

    public func check(_ shape: Shape) throws {
        guard shape.isVector else {
            throw PlanningError(
                reason: "mean squared error wants a vector of outputs, found a map of \(shape)")
        }
    }

    public func evaluate(
        outputs: Tensor, labels: ArraySlice<Int32>, scale: Float, gradient: Tensor?
    ) -> Double {
        let classes = outputs.shape.channels
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            for index in 0..<classes {
                let difference = outputs[image, 0, 0, index] - (index == Int(label) ? on : off)
                sum += Double(difference) * Double(difference) / Double(classes)
                gradient?[image, 0, 0, index] = 2 * difference * scale / Float(classes)
            }
        }
        return sum
    }
}
