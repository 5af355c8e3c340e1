import ApusKernels

/// A 2-D convolution, lowered to matrix products (see `ConvolutionGeometry` for the formula).
///
/// Shapes: `[batch, height, width, inputChannels]` to `[batch, height', width', outputChannels]`, with
/// `height' = (height + 2 padding - dilation (kernel - 1) - 1) / stride + 1`, rounded down.
/// Parameters as PyTorch's: `weight` `[output, input / groups, height, width]` and `bias` `[output]`.
/// Backward reads forward's input and, where it masks its ReLU, its output.
public struct Conv2D: MaskingLayer {
    /// What surrounds the image.
    public enum Padding: Sendable, Hashable {
        /// So many zeros above and below, left and right.
        case explicit(height: Int, width: Int)
        /// As many zeros as make the output `extent / stride`, rounded up; an odd one goes below or right.
        case same
    }

    public typealias Extent = ConvolutionGeometry.Extent

    public let inputChannels: Int
    public let outputChannels: Int
    public let kernelSize: Extent
    public let stride: Extent
    public let padding: Padding
    public let dilation: Extent
    public let groups: Int
    public let hasBias: Bool
    public let weightInitializer: Initializer
    /// By default uniform in ±1 / sqrt(fan-in), as in PyTorch.
    public let biasInitializer: Initializer?
    /// Whether negative outputs are set to zero.
    private(set) var rectifies = false
    /// Whether the gradient is masked where they were; or else the layer after it does so.
    private(set) var masksGradient = false
    /// Whether the input is a ReLU's output and the input gradient that of the ReLU's input.
    private var isInputRectified = false

    public init(
        inputChannels: Int, outputChannels: Int, kernelSize: Extent, stride: Extent = Extent(1),
        padding: Padding = .explicit(height: 0, width: 0), dilation: Extent = Extent(1), groups: Int = 1,
        bias: Bool = true, weightInitializer: Initializer = .fanInUniform,
        biasInitializer: Initializer? = nil
    ) {
        self.inputChannels = inputChannels
        self.outputChannels = outputChannels
        self.kernelSize = kernelSize
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
        hasBias = bias
        self.weightInitializer = weightInitializer
        self.biasInitializer = biasInitializer
    }

    /// The short form for a square kernel, as in a paper's table: `Conv2D(6, 16, kernel: 5)`.
    public init(
        _ inputChannels: Int, _ outputChannels: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        dilation: Int = 1, groups: Int = 1, bias: Bool = true,
        weightInitializer: Initializer = .fanInUniform, biasInitializer: Initializer? = nil
    ) {
        self.init(
            inputChannels: inputChannels, outputChannels: outputChannels, kernelSize: Extent(kernel),
            stride: Extent(stride), padding: .explicit(height: padding, width: padding),
            dilation: Extent(dilation), groups: groups, bias: bias, weightInitializer: weightInitializer,
            biasInitializer: biasInitializer)
    }

    /// This convolution with the ReLU after it, which costs less than a layer of its own.
    ///
    /// - Parameter masksGradient: whether the ReLU's gradient is left to it too, and not to the layer after it.
    func rectified(masksGradient: Bool) -> Conv2D {
        var convolution = self
        convolution.rectifies = true
        convolution.masksGradient = masksGradient
        return convolution
    }

    func leavingMask() -> Conv2D? { masksGradient ? rectified(masksGradient: false) : nil }

    func takingMask(_ shape: Shape, in planning: Planning) -> Conv2D? {
        guard let output = try? outputShape(shape, planning) else { return nil }
        let geometry = geometry(input: shape, output: output)
        guard geometry.canMaskInput(planning.layout, geometry.algorithm(planning.layout, planning.backend))
        else { return nil }
        var convolution = self
        convolution.isInputRectified = true
        return convolution
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        try check(shape, planning)
        let output = try outputShape(shape, planning)
        let geometry = geometry(input: shape, output: output)
        let fanIn = Float(geometry.depth)
        let weight = ParameterSpecification(
            "weight",
            shape: [outputChannels, inputChannels / groups, kernelSize.height, kernelSize.width],
            initializer: weightInitializer, order: planning.layout == .channelsLast ? .outputLast : .same)
        let bias = ParameterSpecification(
            "bias", shape: [outputChannels],
            initializer: biasInitializer ?? .uniform(bound: 1 / fanIn.squareRoot()))
        let algorithm = geometry.algorithm(planning.layout, planning.backend)
        var plan = LayerPlan(
            output: output, parameters: hasBias ? [weight, bias] : [weight],
            scratch: [
                BufferSize(
                    fixed: geometry.scratchCount(
                        planning.layout, algorithm: algorithm, rectifies: masksGradient))
            ],
            multiplyAdds: geometry.multiplyAdds,
            algorithm: algorithm.rawValue,
            backwardReadsOutput: masksGradient)
        if let counts = Convolution.preparedCounts(geometry, algorithm) {
            plan.prepared = [counts.forward]
            plan.preparedForBackward = [counts.backward]
        }
        return plan
    }

    public func prepare(_ context: LayerContext, share: Share) {
        let geometry = geometry(input: context.inputShape, output: context.outputShape)
        weights(context).prepare(
            geometry, geometry.algorithm(context.layout, context.backend),
            forBackward: context.computesGradients, share: share)
    }

    func weights(_ context: LayerContext) -> ConvolutionWeights {
        ConvolutionWeights(
            context.parameter(0), prepared: context.prepared(0),
            preparedForBackward: context.preparedForBackward(0))
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let geometry = geometry(input: input.shape, output: output.shape)
        let algorithm = geometry.algorithm(input.layout, context.backend)
        context.forEachShare { share, context in
            Convolution.forward(
                geometry, input: input, weights: weights(context),
                bias: hasBias ? context.parameter(1) : nil, rectifies: rectifies,
                algorithm: algorithm, share: share, scratch: context.scratch(0), into: output)
        }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let geometry = geometry(input: input.shape, output: outputGradient.shape)
        let weightGradient = context.parameterGradient(0)
        Convolution.backward(
            geometry, input: input, weights: weights(context), outputGradient: outputGradient,
            rectifiedOutput: masksGradient ? output : nil, isInputRectified: isInputRectified,
            algorithm: geometry.algorithm(input.layout, context.backend), scratch: context.scratch(0),
            weightGradient: weightGradient?.values, addingToWeights: weightGradient?.isAddition ?? true,
            biasGradient: hasBias ? context.gradient(1) : nil,
            inputGradient: inputGradient)
    }

    package func geometry(input: Shape, output: Shape) -> ConvolutionGeometry {
        let paddings = paddings(input)
        return ConvolutionGeometry(
            input: input, output: output, kernel: kernelSize, stride: stride, dilation: dilation,
            padding: Extent(height: paddings.height / 2, width: paddings.width / 2), groups: groups)
    }

    /// Zeros above and below, left and right, together.
    private func paddings(_ input: Shape) -> Extent {
        func same(_ input: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
            max(0, ((input + stride - 1) / stride - 1) * stride + dilation * (kernel - 1) + 1 - input)
        }
        return switch padding {
        case .explicit(let height, let width): Extent(height: 2 * height, width: 2 * width)
        case .same:
            Extent(
                height: same(input.height, kernelSize.height, stride.height, dilation.height),
                width: same(input.width, kernelSize.width, stride.width, dilation.width))
        }
    }

    private func check(_ shape: Shape, _ planning: Planning) throws {
        guard shape.channels == inputChannels else {
            throw planning.error(
                "expects \(inputChannels) input channels, found \(shape.channels) in its input \(shape)")
        }
        guard groups > 0, inputChannels % groups == 0, outputChannels % groups == 0 else {
            throw planning.error(
                "\(groups) groups do not divide \(inputChannels) input and \(outputChannels) output channels")
        }
        for (name, extent) in [("kernel", kernelSize), ("stride", stride), ("dilation", dilation)]
        where extent.height < 1 || extent.width < 1 {
            throw planning.error("a \(name) of \(extent.height)x\(extent.width); both must be at least 1")
        }
        guard outputChannels > 0 else { throw planning.error("needs at least one output channel") }
        if case .explicit(let height, let width) = padding, height < 0 || width < 0 {
            throw planning.error("a padding of \(height)x\(width); neither may be negative")
        }
    }

    private func outputShape(_ shape: Shape, _ planning: Planning) throws -> Shape {
        let paddings = paddings(shape)
        guard
            let height = ConvolutionGeometry.outputExtent(
                input: shape.height, kernel: kernelSize.height, stride: stride.height,
                dilation: dilation.height, paddings: paddings.height),
            let width = ConvolutionGeometry.outputExtent(
                input: shape.width, kernel: kernelSize.width, stride: stride.width,
                dilation: dilation.width, paddings: paddings.width)
        else {
            let dilated = dilation == Extent(1) ? "" : " (dilated \(dilation.height)x\(dilation.width))"
            let padded =
                paddings == Extent(0) ? "no padding" : "\(paddings.height)x\(paddings.width) zeros of padding"
            throw planning.error(
                "a \(kernelSize.height)x\(kernelSize.width) kernel\(dilated) does not fit its "
                    + "\(shape.height)x\(shape.width) input with \(padded)")
        }
        return Shape(height: height, width: width, channels: outputChannels)
    }
}
