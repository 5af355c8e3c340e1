import CVectorKernels

/// `outer tanh(inner x)` of each element, to a few units in the last place, and its gradient.
public struct HyperbolicTangent: Sendable {
    public let inner: Float
    public let outer: Float

    public init(inner: Float = 1, outer: Float = 1) {
        self.inner = inner
        self.outer = outer
    }

    /// A NaN stays a NaN. `output` may be `input`.
    public func forward(_ input: Tensor, into output: Tensor) {
        output.checkMatches(input)
        unsafe VectorKernels.current.tanh(
            input.rows, input.rowLength, inner, outer, input.base, input.rowStride, output.base,
            output.rowStride)
    }

    /// The slope where the function's value is y is `inner (outer - y^2 / outer)`.
    public func backward(_ outputGradient: Tensor, output: Tensor, inputGradient: GradientDestination) {
        let (slope, fall) = (inner * outer, inner / outer)
        guard case .overwrite(let target) = inputGradient else {
            inputGradient.apply(outputGradient, output) { dy, y in dy * (slope - fall * y * y) }
            return
        }
        target.checkMatches(output)
        target.checkMatches(outputGradient)
        unsafe VectorKernels.current.tanh_gradient(
            target.rows, target.rowLength, inner, outer, outputGradient.base, outputGradient.rowStride,
            output.base, output.rowStride, target.base, target.rowStride)
    }
}
