import ApusKernels
import Foundation

/// A function of each element whose derivative is a function of its value, so that it may run in place.
protocol Activation: Layer {
    static func value(_ x: Float) -> Float
    /// The derivative where the function's value is `y`.
    static func slope(_ y: Float) -> Float
}

extension Activation {
    public func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(output: shape, storage: .inPlace, backwardReadsInput: false)
    }

    public func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        output.map(input, Self.value)
    }

    public func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        inputGradient.apply(outputGradient, output) { dy, y in dy * Self.slope(y) }
    }
}

/// The hyperbolic tangent, with slope `1 - y^2`.
public struct Tanh: Activation {
    public init() {}
    static func value(_ x: Float) -> Float { tanh(x) }
    static func slope(_ y: Float) -> Float { 1 - y * y }
}

/// `1.7159 tanh(2x/3)`, the squashing function of LeNet-5, of which ±1 are near-fixed points (LeCun et al.,
/// 1998, "Gradient-based learning applied to document recognition", appendix A).
public struct ScaledTanh: Activation {
    private static let amplitude: Float = 1.7159

    public init() {}
    static func value(_ x: Float) -> Float { amplitude * tanh(x * (2 / 3)) }
    static func slope(_ y: Float) -> Float { (amplitude - y * y / amplitude) * (2 / 3) }
}

/// `1 / (1 + exp(-x))`, with slope `y (1 - y)`.
public struct Sigmoid: Activation {
    public init() {}
    static func value(_ x: Float) -> Float { 1 / (1 + exp(-x)) }
    static func slope(_ y: Float) -> Float { y * (1 - y) }
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
