import ApusKernels
import Foundation

/// `outer tanh(inner x)`. Its slope is a function of its value, so that it may run in place.
protocol Tangent: Layer {
    static var function: HyperbolicTangent { get }
}

extension Tangent {
    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(output: shape, storage: .inPlace, backwardReadsInput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        Self.function.forward(input, into: output)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        Self.function.backward(outputGradient, output: output, inputGradient: inputGradient)
    }
}

/// The hyperbolic tangent, with slope `1 - y^2`.
public struct Tanh: Tangent {
    static let function = HyperbolicTangent()

    public init() {}
}

/// `1.7159 tanh(2x/3)`, the squashing function of LeNet-5, of which ±1 are near-fixed points (LeCun et al.,
/// 1998, "Gradient-based learning applied to document recognition", appendix A).
public struct ScaledTanh: Tangent {
    static let function = HyperbolicTangent(inner: 2 / 3, outer: 1.7159)

    public init() {}
}

/// `1 / (1 + exp(-x))`, with slope `y (1 - y)`.
public struct Sigmoid: Layer {
    public init() {}

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(output: shape, storage: .inPlace, backwardReadsInput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        output.map(input) { 1 / (1 + exp(-$0)) }
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        inputGradient.apply(outputGradient, output) { dy, y in dy * y * (1 - y) }
    }
}

/// `max(x, 0)`, with slope 0 at 0, as in PyTorch. A NaN stays a NaN.
public struct ReLU: Layer {
    public init() {}

    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(output: shape, storage: .inPlace, backwardReadsInput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        Rectifier.forward(input, into: output)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        Rectifier.backward(outputGradient, output: output, inputGradient: inputGradient)
    }
}
