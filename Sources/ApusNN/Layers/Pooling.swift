import ApusKernels

/// The maximum of each window.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, height', width', channels]`, with
/// `height' = (height + 2 padding - kernel) / stride + 1`, rounded down or up as in PyTorch. Forward keeps
/// one byte for each output element; backward reads neither input nor output.
public struct MaxPool2D: MaskingLayer {
    let window: PoolingWindow
    /// Whether the gradient is masked by the ReLU whose output is the input.
    private(set) var masksRectified = false

    /// - Parameter stride: by default the kernel's size.
    public init(kernelSize: Int, stride: Int? = nil, padding: Int = 0, roundsUp: Bool = false) {
        window = PoolingWindow(
            kernel: kernelSize, stride: stride ?? kernelSize, padding: padding, roundsUp: roundsUp)
    }

    func takingMask(_ shape: Shape, in planning: Planning) -> MaxPool2D? {
        guard let geometry = try? window.planned(shape, planning), geometry.canMask(planning.layout) else {
            return nil
        }
        var pooling = self
        pooling.masksRectified = true
        return pooling
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        let geometry = try window.planned(shape, planning)
        guard window.kernel <= 16 else {
            throw planning.error("a window of \(window.kernel)x\(window.kernel); at most 16x16 is supported")
        }
        return LayerPlan(
            output: geometry.output,
            saved: [BufferSize(perImage: ByteView.floats(forBytes: Pooling.indexBytes(geometry)))],
            backwardReadsInput: false, backwardReadsOutput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        context.forEachShare { share, context in
            Pooling.maximum(
                window.geometry(input: input.shape, output: output.shape), input: input, share: share,
                maskingRectified: masksRectified, indices: context.saved(0).bytes,
                keepsIndices: context.computesGradients, into: output)
        }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        Pooling.maximumGradient(
            window.geometry(input: input.shape, output: output.shape), outputGradient: outputGradient,
            indices: context.saved(0).bytes, inputGradient: inputGradient)
    }
}

/// The mean of each window, the zeros of padding counted or not.
///
/// Shapes as for `MaxPool2D`. Backward reads neither input nor output.
public struct AveragePool2D: Layer {
    let window: PoolingWindow
    let countsPadding: Bool

    /// - Parameters:
    ///   - stride: by default the kernel's size.
    ///   - countsPadding: whether zeros of padding count in the mean, as PyTorch's default has it.
    public init(
        kernelSize: Int, stride: Int? = nil, padding: Int = 0, roundsUp: Bool = false,
        countsPadding: Bool = true
    ) {
        window = PoolingWindow(
            kernel: kernelSize, stride: stride ?? kernelSize, padding: padding, roundsUp: roundsUp)
        self.countsPadding = countsPadding
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(
            output: try window.planned(shape, planning).output, backwardReadsInput: false,
            backwardReadsOutput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        Pooling.average(
            window.geometry(input: input.shape, output: output.shape), countsPadding: countsPadding,
            input: input, into: output)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        Pooling.averageGradient(
            window.geometry(input: input.shape, output: output.shape), countsPadding: countsPadding,
            outputGradient: outputGradient, inputGradient: inputGradient)
    }
}

/// The window both poolings slide.
struct PoolingWindow: Sendable {
    let kernel: Int
    let stride: Int
    let padding: Int
    let roundsUp: Bool

    func planned(_ shape: Shape, _ planning: Planning) throws -> PoolingGeometry {
        guard kernel > 0, stride > 0 else {
            throw planning.error("a window of \(kernel) with stride \(stride); both must be at least 1")
        }
        guard padding >= 0, 2 * padding <= kernel else {
            throw planning.error(
                "a padding of \(padding) for a window of \(kernel); at most half the window is allowed")
        }
        guard
            let geometry = PoolingGeometry(
                input: shape, kernel: .init(kernel), stride: .init(stride), padding: .init(padding),
                roundsUp: roundsUp)
        else {
            throw planning.error(
                "a \(kernel)x\(kernel) window does not fit its \(shape.height)x\(shape.width) input")
        }
        return geometry
    }

    func geometry(input: Shape, output: Shape) -> PoolingGeometry {
        PoolingGeometry(
            input: input, output: output, kernel: .init(kernel), stride: .init(stride),
            padding: .init(padding))
    }
}
