import ApusKernels
import Foundation

/// What a parameter starts from.
///
/// With a weight of shape `[output, input, ...]`, fan-in is the inputs, and fan-out the outputs, times the
/// taps of the kernel.
public enum Initializer: Sendable, Hashable {
    case constant(Float)
    /// Uniform in ±bound.
    case uniform(bound: Float)
    case normal(deviation: Float)
    /// Uniform in ±1 / sqrt(fan-in): what PyTorch gives `Linear` and `Conv2d`.
    case fanInUniform
    /// Uniform in ±sqrt(6 / fan-in), for ReLU (He et al., 2015, "Delving Deep into Rectifiers").
    case kaimingUniform
    /// Normal of variance 2 / fan-in, for ReLU (He et al., 2015).
    case kaimingNormal
    /// Uniform in ±sqrt(6 / (fan-in + fan-out)) (Glorot and Bengio, 2010, "Understanding the difficulty of
    /// training deep feedforward neural networks").
    case xavierUniform
    /// Normal of variance 2 / (fan-in + fan-out) (Glorot and Bengio, 2010).
    case xavierNormal
    /// Normal of variance 1 / fan-in (LeCun et al., 1998, "Efficient BackProp").
    case lecunNormal
    /// Rows, or columns where there are fewer, that are orthonormal up to `gain`, the weight read as a
    /// matrix of outputs by fan-in (Saxe et al., 2014, "Exact solutions to the nonlinear dynamics of
    /// learning in deep linear neural networks"): `Linear(inputs: 400, outputs: 120, weightInitializer: .orthogonal(gain:
    /// 1))`, and so for `Conv2D`.
    case orthogonal(gain: Float)

    /// The elements of a parameter of `shape`, in the order of files, the same for the same `random`.
    ///
    /// - Throws: `LAPACKError` where LAPACK fails.
    public func values(shape: [Int], random: CounterRandom) throws -> [Float] {
        let count = shape.reduce(1, *)
        let taps = shape.dropFirst(2).reduce(1, *)
        let fanIn = Double(max(1, shape.count > 1 ? shape[1] * taps : count))
        let fanOut = Double(max(1, (shape.first ?? 1) * taps))
        func uniform(_ bound: Double) -> [Float] {
            (0..<count).map { Float((2 * Double(random.uniform(at: $0)) - 1) * bound) }
        }
        func normal(_ deviation: Double) -> [Float] {
            (0..<count).map { Float(Double(random.normal(at: $0)) * deviation) }
        }
        switch self {
        case .constant(let value): return [Float](repeating: value, count: count)
        case .uniform(let bound): return uniform(Double(bound))
        case .normal(let deviation): return normal(Double(deviation))
        case .fanInUniform: return uniform(1 / fanIn.squareRoot())
        case .kaimingUniform: return uniform((6 / fanIn).squareRoot())
        case .kaimingNormal: return normal((2 / fanIn).squareRoot())
        case .xavierUniform: return uniform((6 / (fanIn + fanOut)).squareRoot())
        case .xavierNormal: return normal((2 / (fanIn + fanOut)).squareRoot())
        case .lecunNormal: return normal((1 / fanIn).squareRoot())
        case .orthogonal(let gain):
            let rows = max(1, shape.first ?? 1)
            return try Initializer.orthogonal(rows: rows, columns: count / rows, gain: gain, normal(1))
        }
    }

    private static func orthogonal(
        rows: Int, columns: Int, gain: Float, _ normal: [Float]
    ) throws -> [Float] {
        // QR wants a tall matrix: a wide one is drawn as its transpose.
        let (tall, narrow) = (max(rows, columns), min(rows, columns))
        var matrix = normal
        try Orthogonal.factor(&matrix, rows: tall, columns: narrow)
        guard rows < columns else { return matrix.map { $0 * gain } }
        var result = matrix
        for row in 0..<rows {
            for column in 0..<columns {
                result[row * columns + column] = matrix[column * rows + row] * gain
            }
        }
        return result
    }
}
