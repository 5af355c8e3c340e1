import ApusKernels

/// Probabilities from logits: `exp(x) / sum of exp(x)` over the features.
///
/// For training by cross-entropy leave it out: `SoftmaxCrossEntropy` takes logits.
public struct Softmax: Layer {
    public init() {}

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard shape.isVector else {
            throw planning.error("expects a vector of features, found a map of \(shape)")
        }
        return LayerPlan(output: shape, storage: .inPlace, backwardReadsInput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        SoftmaxKernel.forward(input, into: output)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        SoftmaxKernel.backward(
            output: output, outputGradient: outputGradient, inputGradient: inputGradient)
    }
}
