import ApusKernels

/// Zeroes elements at random while training, and scales the rest by 1 / (1 - rate) (Srivastava et al.,
/// 2014). Inference changes nothing.
///
/// What is dropped depends on the seed, the step, the image's place in the batch and the layer alone.
public struct Dropout: MaskingLayer {
    /// The probability of an element to be dropped.
    public let rate: Float
    /// Whether the gradient is masked by the ReLU whose output is the input. Then the output tells both what that ReLU stopped and what
    /// was dropped.
    private var masksRectified = false

    public init(rate: Float) { self.rate = rate }

    func takingMask(_ shape: Shape, in planning: Planning) -> Dropout? {
        var dropout = self
        dropout.masksRectified = true
        return dropout
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard rate >= 0, rate < 1 else {
            throw planning.error("a dropout rate of \(rate); it must be at least 0 and below 1")
        }
        return LayerPlan(
            output: shape, storage: .inPlace, backwardReadsInput: false, backwardReadsOutput: masksRectified)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        if context.isTraining && rate > 0 {
            DropoutMask.apply(input, rate: rate, into: output) {
                context.random(.dropout, image: $0)
            }
        } else {
            output.copy(from: input)
        }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        guard let target = inputGradient.tensor else { return }
        if masksRectified {
            Rectifier.backward(
                outputGradient, scale: context.isTraining ? 1 / (1 - rate) : 1, output: output,
                inputGradient: inputGradient)
        } else if context.isTraining && rate > 0 {
            DropoutMask.apply(
                outputGradient, rate: rate, into: target, adding: inputGradient.isAddition
            ) { context.random(.dropout, image: $0) }
        } else {
            inputGradient.apply(outputGradient)
        }
    }
}
