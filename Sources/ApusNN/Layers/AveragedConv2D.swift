import ApusKernels

/// A 1x1 convolution with the ReLU and the global average pooling after it; what it gives is the pool's.
///
/// Planning puts it in the convolution's place. Backward reads forward's input.
struct AveragedConv2D: Layer {
    let convolution: Conv2D

    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        var plan = try convolution.plan(shape, in: planning)
        let own = convolution.geometry(input: shape, output: plan.output)
        let averaged = AveragedConvolution(own, own.algorithm(planning.layout, planning.backend))
        plan.saved = [BufferSize(perImage: averaged.savedCount)]
        plan.scratch = [BufferSize(fixed: averaged.scratchCount)]
        return plan
    }

    func prepare(_ context: LayerContext, share: Share) { convolution.prepare(context, share: share) }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        context.forEachShare { share, context in
            averaged(context).forward(
                input: input, weights: convolution.weights(context),
                bias: convolution.hasBias ? context.parameter(1) : nil, share: share,
                scratch: context.scratch(0), into: output, positives: context.saved(0),
                keepsPositives: context.computesGradients)
        }
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let weightGradient = context.parameterGradient(0)
        averaged(context).backward(
            input: input, weights: convolution.weights(context), positives: context.saved(0),
            outputGradient: outputGradient, scratch: context.scratch(0),
            weightGradient: weightGradient?.values, addingToWeights: weightGradient?.isAddition ?? true,
            biasGradient: convolution.hasBias ? context.gradient(1) : nil, inputGradient: inputGradient)
    }

    /// The convolution's own output is what the plan says, though nowhere in memory.
    private func averaged(_ context: LayerContext) -> AveragedConvolution {
        let layer = context.layer
        let own = convolution.geometry(input: layer.input, output: layer.output)
        return AveragedConvolution(own, own.algorithm(context.layout, context.backend))
    }
}
