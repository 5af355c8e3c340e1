import Foundation

/// Elementwise activations and their derivatives.
public enum ReferenceActivation: CaseIterable, Sendable {
    /// `max(x, 0)`, with the derivative 0 at 0.
    case relu
    case tanh
    /// `1.7159 tanh(2x / 3)`: LeCun, Bottou, Bengio and Haffner 1998, appendix A.
    case scaledTanh
    /// `1 / (1 + exp(-x))`.
    case sigmoid

    /// The activation of one value; the transcendental ones are computed in Double.
    @inlinable
    public func callAsFunction<Scalar: BinaryFloatingPoint>(_ x: Scalar) -> Scalar {
        switch self {
        case .relu: x < 0 ? 0 : x
        case .tanh: Scalar(Foundation.tanh(Double(x)))
        case .scaledTanh: Scalar(1.7159 * Foundation.tanh(Double(x) * 2 / 3))
        case .sigmoid: Scalar(1 / (1 + exp(-Double(x))))
        }
    }

    /// The derivative at one value.
    @inlinable
    public func derivative<Scalar: BinaryFloatingPoint>(at x: Scalar) -> Scalar {
        switch self {
        case .relu:
            return x <= 0 ? 0 : 1
        case .tanh:
            let y = Foundation.tanh(Double(x))
            return Scalar(1 - y * y)
        case .scaledTanh:
            let y = Foundation.tanh(Double(x) * 2 / 3)
            return Scalar(1.7159 * 2 / 3 * (1 - y * y))
        case .sigmoid:
            let y = 1 / (1 + exp(-Double(x)))
            return Scalar(y * (1 - y))
        }
    }

    @inlinable
    public func forward<Scalar: BinaryFloatingPoint>(_ input: [Scalar]) -> [Scalar] { input.map { self($0) } }

    /// The gradient with respect to the input.
    @inlinable
    public func inputGradient<Scalar: BinaryFloatingPoint>(
        _ outputGradient: [Scalar], input: [Scalar]
    ) -> [Scalar] {
        precondition(outputGradient.count == input.count, "the gradient is not of this input's shape")
        return zip(outputGradient, input).map { $0 * derivative(at: $1) }
    }
}
