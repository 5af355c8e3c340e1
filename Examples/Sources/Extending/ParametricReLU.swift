import Apus

/// `y = x` above zero, `y = slope x` below, with a trained slope for each channel.
///
/// He, Zhang, Ren and Sun, 2015, "Delving deep into rectifiers", arXiv 1502.01852. Shapes:
/// `[batch, height, width, channels]`, unchanged. Parameter: `weight`, `[channels]`, PyTorch's name for it, which starts at
/// 1/4. Backward reads forward's input.
struct ParametricReLU: Layer {
    let channels: Int

    init(_ channels: Int) { self.channels = channels }

    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard shape.channels == channels else {
            throw planning.error("expects \(channels) channels, found \(shape.channels)")
        }
        return LayerPlan(
            output: shape,
            parameters: [ParameterSpecification("weight", shape: [channels], initializer: .constant(0.25))],
            backwardReadsOutput: false)
    }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let slope = context.parameter(0)
        forEachElement(of: input) { image, y, x, channel in
            let value = input[image, y, x, channel]
            output[image, y, x, channel] = value > 0 ? value : slope[channel] * value
        }
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let slope = context.parameter(0)
        // Nil where the parameter is frozen. Other shards have added to it already: it is added to.
        if let gradient = context.gradient(0) {
            forEachElement(of: input) { image, y, x, channel in
                let value = input[image, y, x, channel]
                if value <= 0 { gradient[channel] += outputGradient[image, y, x, channel] * value }
            }
        }
        // Nobody asks the lowest layer of a network for it.
        guard let target = inputGradient.tensor else { return }
        let isAdded = inputGradient.isAddition
        forEachElement(of: input) { image, y, x, channel in
            let factor = input[image, y, x, channel] > 0 ? 1 : slope[channel]
            let value = factor * outputGradient[image, y, x, channel]
            target[image, y, x, channel] = isAdded ? target[image, y, x, channel] + value : value
        }
    }

    /// A tensor's subscript finds the element in any layout.
    private func forEachElement(
        of tensor: Tensor, _ body: (_ image: Int, _ y: Int, _ x: Int, _ channel: Int) -> Void
    ) {
        for image in 0..<tensor.batch {
            for y in 0..<tensor.shape.height {
                for x in 0..<tensor.shape.width {
                    for channel in 0..<tensor.shape.channels { body(image, y, x, channel) }
                }
            }
        }
    }
}
