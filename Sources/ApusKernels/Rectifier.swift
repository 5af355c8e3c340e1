import CVectorKernels

/// `max(x, 0)`, with slope 0 at 0, and its gradient.
public enum Rectifier {
    /// A NaN stays a NaN. `output` may be `input`.
    public static func forward(_ input: Tensor, into output: Tensor) {
        output.checkMatches(input)
        unsafe VectorKernels.current.relu(
            input.rows, input.rowLength, input.base, input.rowStride, output.base, output.rowStride)
    }

    /// Lets the gradient through where `output` is above 0, times `scale`.
    public static func backward(
        _ outputGradient: Tensor, scale: Float = 1, output: Tensor, inputGradient: GradientDestination
    ) {
        guard case .overwrite(let target) = inputGradient else {
            inputGradient.apply(outputGradient, output) { dy, y in y > 0 ? dy * scale : 0 }
            return
        }
        target.checkMatches(output)
        target.checkMatches(outputGradient)
        unsafe VectorKernels.current.relu_gradient(
            target.rows, target.rowLength, outputGradient.base, outputGradient.rowStride, scale,
            output.base, output.rowStride, target.base, target.rowStride)
    }
}
