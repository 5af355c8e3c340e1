import ApusKernels

/// The building block of SqueezeNet: a 1x1 convolution to few channels, and 1x1 and 3x3 convolutions side by
/// side from these to many, each with a ReLU (Iandola et al., 2016, "SqueezeNet: AlexNet-level accuracy with
/// 50x fewer parameters and <0.5MB model size").
///
/// Shapes: `[batch, height, width, channels]` to `[batch, height, width, 2 expand]`. Names are torchvision's:
/// `squeeze`, `expand1x1`, `expand3x3`, and each with `_activation`.
public struct Fire: MaskingLayer {
    let body: Sequential

    init(_ body: Sequential) { self.body = body }

    /// A fire module whose two expansions are equally wide, as in a row of the paper's table:
    /// `Fire(96, squeeze: 16, expand: 64)`.
    public init(_ inputChannels: Int, squeeze: Int, expand: Int) {
        self.init(inputChannels, squeeze: squeeze, expand1x1: expand, expand3x3: expand)
    }

    public init(_ inputChannels: Int, squeeze: Int, expand1x1: Int, expand3x3: Int) {
        func convolution(_ inputs: Int, _ outputs: Int, kernel: Int) -> Conv2D {
            Conv2D(
                inputs, outputs, kernel: kernel, padding: kernel / 2, weightInitializer: .kaimingUniform,
                biasInitializer: .constant(0))
        }
        body = Sequential {
            convolution(inputChannels, squeeze, kernel: 1).named("squeeze")
            ReLU().named("squeeze_activation")
            Concat {
                Sequential {
                    convolution(squeeze, expand1x1, kernel: 1).named("expand1x1")
                    ReLU().named("expand1x1_activation")
                }.unnamed
                Sequential {
                    convolution(squeeze, expand3x3, kernel: 3).named("expand3x3")
                    ReLU().named("expand3x3_activation")
                }.unnamed
            }.unnamed
        }
    }

    func leavingMask() -> Fire? { body.leavingMask().map { Fire($0) } }

    func takingMask(_ shape: Shape, in planning: Planning) -> Fire? {
        body.takingMask(shape, in: planning).map { Fire($0) }
    }

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        try body.plan(shape, in: planning)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        body.forward(input, into: output, context)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        body.backward(
            outputGradient, input: input, output: output, inputGradient: inputGradient, context)
    }
}
