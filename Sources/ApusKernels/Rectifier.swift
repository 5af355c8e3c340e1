import CVectorKernels

/// `max(x, 0)`, with slope 0 at 0, and its gradient.
public enum Rectifier {
    /// A NaN stays a NaN. `output` may be `input`.
    public static func forward(_ input: Tensor, into output: Tensor) {
        output.checkMatches(input)
        output.forEachRun(sharedWith: input) { row, count in
            unsafe VectorKernels.current.relu(
                count, input.base + row * input.rowStride, output.base + row * output.rowStride)
        }
    }

    /// Lets the gradient through where `output` is above 0.
    public static func backward(
        _ outputGradient: Tensor, output: Tensor, inputGradient: GradientDestination
    ) {
        guard case .overwrite(let target) = inputGradient, target.isDense, output.isDense,
            outputGradient.isDense
        else {
            inputGradient.apply(outputGradient, output) { dy, y in y > 0 ? dy : 0 }
            return
        }
        target.checkMatches(output)
        target.checkMatches(outputGradient)
        unsafe VectorKernels.current.relu_gradient(
            target.count, outputGradient.base, output.base, target.base)
    }
}
