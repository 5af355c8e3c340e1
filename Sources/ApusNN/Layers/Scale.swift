import ApusKernels

/// A trained scale and bias for each channel: `y = scale x + bias`.
///
/// After an average pooling it makes the subsampling of the original LeNet-5 (LeCun et al., 1998, layers S2
/// and S4). Shapes: `[batch, height, width, channels]`, unchanged. Parameters: `weight`, which starts at 1,
/// and `bias`, at 0, both `[channels]`. Backward reads forward's input.
public struct Scale: Layer {
    public let channels: Int

    public init(_ channels: Int) { self.channels = channels }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard shape.channels == channels else {
            throw planning.error("expects \(channels) channels, found \(shape.channels)")
        }
        return LayerPlan(
            output: shape,
            parameters: [
                ParameterSpecification("weight", shape: [channels], initializer: .constant(1)),
                ParameterSpecification("bias", shape: [channels], initializer: .constant(0)),
            ],
            backwardReadsOutput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        ChannelScale.forward(
            input, scale: context.parameter(0), bias: context.parameter(1), into: output)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        ChannelScale.backward(
            outputGradient, input: input, scale: context.parameter(0), scaleGradient: context.gradient(0),
            biasGradient: context.gradient(1), inputGradient: inputGradient)
    }
}
