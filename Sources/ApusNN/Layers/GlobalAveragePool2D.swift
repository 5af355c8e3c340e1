import ApusKernels

/// The mean of each channel over the whole map (Lin, Chen and Yan, 2014, "Network in Network").
///
/// Shapes: `[batch, height, width, channels]` to `[batch, channels]`, for maps of any extent. Backward reads
/// neither input nor output.
public struct GlobalAveragePool2D: Layer {
    public init() {}

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(output: .features(shape.channels), backwardReadsInput: false, backwardReadsOutput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        Pooling.average(geometry(input.shape), countsPadding: false, input: input, into: output)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        Pooling.averageGradient(
            geometry(input.shape), countsPadding: false, outputGradient: outputGradient,
            inputGradient: inputGradient)
    }

    private func geometry(_ input: Shape) -> PoolingGeometry {
        let window = PoolingGeometry.Extent(height: input.height, width: input.width)
        return PoolingGeometry(
            input: input, output: .features(input.channels), kernel: window, stride: window,
            padding: PoolingGeometry.Extent(0))
    }
}
