import ApusKernels

/// A convolution with the ReLU and the maximum pooling after it; what it gives is the pool's.
///
/// Planning puts it in the convolution's place. Backward reads forward's input and, unless images are last, its output.
struct PooledConv2D: Layer {
    /// With its ReLU.
    let convolution: Conv2D
    let pool: MaxPool2D

    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        var plan = try convolution.plan(shape, in: planning)
        let pooling = try pool.window.planned(plan.output, planning)
        let own = convolution.geometry(input: shape, output: plan.output)
        let geometry = PooledConvolution(own, pooling, own.algorithm(planning.layout, planning.backend))
        plan.saved = [BufferSize(perImage: ByteView.floats(forBytes: Pooling.indexBytes(pooling)))]
        plan.scratch = [BufferSize(fixed: geometry.scratchCount)]
        plan.backwardReadsOutput = planning.layout != .imagesLast
        return plan
    }

    func prepare(_ context: LayerContext, share: Share) { convolution.prepare(context, share: share) }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        context.forEachShare { share, context in
            geometry(context, output).forward(
                input: input, weights: convolution.weights(context),
                bias: convolution.hasBias ? context.parameter(1) : nil,
                share: share, scratch: context.scratch(0), into: output,
                indices: context.saved(0).bytes, keepsIndices: context.computesGradients)
        }
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        geometry(context, output).backward(
            input: input, weights: convolution.weights(context), output: output,
            indices: context.saved(0).bytes, outputGradient: outputGradient,
            scratch: context.scratch(0),
            weightGradient: context.gradient(0),
            biasGradient: convolution.hasBias ? context.gradient(1) : nil, inputGradient: inputGradient)
    }

    /// The convolution's own output is what the plan says, though nowhere in memory.
    private func geometry(_ context: LayerContext, _ output: Tensor) -> PooledConvolution {
        let layer = context.layer
        let own = convolution.geometry(input: layer.input, output: layer.output)
        return PooledConvolution(
            own, pool.window.geometry(input: layer.output, output: output.shape),
            own.algorithm(context.layout, context.backend))
    }
}
