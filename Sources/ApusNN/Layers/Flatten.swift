import ApusKernels

/// A feature map as a vector, in PyTorch's order: channel, row, column.
///
/// Moves nothing but when channels are last: then it transposes, so that the `Linear` after it has the same weights in
/// any layout.
public struct Flatten: Layer {
    public init() {}

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(
            output: .features(shape.count),
            storage: .view, backwardReadsInput: false, backwardReadsOutput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        output.flatten(input)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        inputGradient.unflatten(outputGradient)
    }
}
