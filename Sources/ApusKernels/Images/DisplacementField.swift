import Foundation

/// Smooth random displacements of an image's pixels, for elastic distortion (Simard, Steinkraus and Platt, 2003,
/// "Best practices for convolutional neural networks applied to visual document analysis").
///
/// In each direction the displacements are numbers uniform in [-1, 1), convolved with a Gaussian, times a strength.
/// Nothing lies outside the image, so displacements grow smaller towards its border.
public struct DisplacementField: Sendable {
    /// In pixels.
    public let strength: Float
    /// The Gaussian, cut off at three deviations, and summing up to 1.
    let weights: [Float]

    /// - Parameter deviation: the Gaussian's, in pixels.
    public init(strength: Double, deviation: Double) {
        let reach = Int((3 * deviation).rounded(.up))
        let values = (-reach...reach).map { exp(-Double($0 * $0) / (2 * deviation * deviation)) }
        let sum = values.reduce(0, +)
        self.strength = Float(strength)
        weights = values.map { Float($0 / sum) }
    }

    /// Floats that the displacements of an image's pixels and their making take.
    public static func count(height: Int, width: Int) -> Int { 3 * height * width }

    /// Writes the displacements to the right of all pixels, and behind them those down.
    ///
    /// - Parameter memory: of `count` floats, of which the last third is scratch.
    /// - Returns: the displacements, `[2, height, width]`.
    public func make(height: Int, width: Int, _ random: CounterRandom, in memory: FloatView) -> FloatView {
        let pixels = height * width
        precondition(memory.count >= 3 * pixels)
        let field = memory.slice(0..<2 * pixels)
        unsafe random.fillUniform(field.base, count: field.count, from: 0)
        for index in 0..<field.count { unsafe field.base[index] = 2 * field.base[index] - 1 }
        let scratch = memory.slice(2 * pixels..<3 * pixels)
        for direction in 0..<2 {
            smooth(field.slice(direction * pixels..<(direction + 1) * pixels), height, width, scratch)
        }
        return field
    }

    private func smooth(_ plane: FloatView, _ height: Int, _ width: Int, _ scratch: FloatView) {
        let reach = weights.count / 2
        scratch.fill(0)
        for y in 0..<height {
            for tap in max(-reach, -y)...min(reach, height - 1 - y) {
                let weight = weights[reach + tap]
                let source = unsafe plane.base + (y + tap) * width
                let row = unsafe scratch.base + y * width
                for x in 0..<width { unsafe row[x] += weight * source[x] }
            }
        }
        plane.fill(0)
        for tap in max(-reach, 1 - width)...min(reach, width - 1) {
            let weight = strength * weights[reach + tap]
            let columns = max(0, -tap)..<min(width, width - tap)
            for y in 0..<height {
                let source = unsafe scratch.base + y * width + tap
                let row = unsafe plane.base + y * width
                for x in columns { unsafe row[x] += weight * source[x] }
            }
        }
    }
}
