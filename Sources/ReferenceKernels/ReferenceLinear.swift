/// A linear layer, `y = x W^T + b`, with weights `[outputs, inputs]` as in PyTorch and rows of data in plain
/// arrays.
public enum ReferenceLinear {
    /// The output `[batch, outputs]` for an input `[batch, inputs]`.
    @inlinable
    public static func forward<Scalar: BinaryFloatingPoint>(
        _ input: [Scalar], weights: [Scalar], bias: [Scalar]? = nil, batch: Int, inputs: Int, outputs: Int
    ) -> [Scalar] {
        var output = ReferenceGEMM.multiply(
            rows: batch, columns: outputs, depth: inputs, input, weights, transposeB: true)
        if let bias {
            for place in output.indices { output[place] += bias[place % outputs] }
        }
        return output
    }

    /// The gradient with respect to the input, `[batch, inputs]`.
    @inlinable
    public static func inputGradient<Scalar: BinaryFloatingPoint>(
        _ outputGradient: [Scalar], weights: [Scalar], batch: Int, inputs: Int, outputs: Int
    ) -> [Scalar] {
        ReferenceGEMM.multiply(rows: batch, columns: inputs, depth: outputs, outputGradient, weights)
    }

    /// The gradient with respect to the weights, `[outputs, inputs]`.
    @inlinable
    public static func weightGradient<Scalar: BinaryFloatingPoint>(
        _ outputGradient: [Scalar], input: [Scalar], batch: Int, inputs: Int, outputs: Int
    ) -> [Scalar] {
        ReferenceGEMM.multiply(
            rows: outputs, columns: inputs, depth: batch, outputGradient, transposeA: true, input)
    }

    /// The gradient with respect to the bias, `[outputs]`: the sum over the batch.
    @inlinable
    public static func biasGradient<Scalar: BinaryFloatingPoint>(
        _ outputGradient: [Scalar], outputs: Int
    ) -> [Scalar] {
        var gradient = [Scalar](repeating: 0, count: outputs)
        for (place, value) in outputGradient.enumerated() { gradient[place % outputs] += value }
        return gradient
    }
}
