import Foundation

/// Softmax over rows of classes, `[batch, classes]`.
public enum ReferenceSoftmax {
    /// `exp(x_c) / sum over k of exp(x_k)` in each row.
    @inlinable
    public static func forward<Scalar: BinaryFloatingPoint>(_ input: [Scalar], classes: Int) -> [Scalar] {
        logarithm(input, classes: classes).map { Scalar(exp($0)) }
    }

    /// The gradient with respect to the input, from the softmax's own output: `s_c (g_c - sum over k of g_k
    /// s_k)`.
    @inlinable
    public static func inputGradient<Scalar: BinaryFloatingPoint>(
        _ outputGradient: [Scalar], output: [Scalar], classes: Int
    ) -> [Scalar] {
        precondition(outputGradient.count == output.count, "the gradient is not of this output's shape")
        var gradient = output
        for row in stride(from: 0, to: output.count, by: classes) {
            var sum: Scalar = 0
            for place in row..<row + classes { sum += outputGradient[place] * output[place] }
            for place in row..<row + classes { gradient[place] *= outputGradient[place] - sum }
        }
        return gradient
    }

    /// The logarithm of the softmax in Double, with each row's maximum taken away first so that nothing
    /// overflows.
    @inlinable
    static func logarithm<Scalar: BinaryFloatingPoint>(_ input: [Scalar], classes: Int) -> [Double] {
        precondition(input.count % classes == 0, "the input is not rows of classes")
        var result = input.map { Double($0) }
        for row in stride(from: 0, to: result.count, by: classes) {
            var maximum = result[row]
            for place in row..<row + classes { maximum = max(maximum, result[place]) }
            var sum = 0.0
            for place in row..<row + classes { sum += exp(result[place] - maximum) }
            for place in row..<row + classes { result[place] = result[place] - maximum - log(sum) }
        }
        return result
    }
}
