import Foundation

/// Random numbers of the gamma and the beta distribution.
extension CounterRandom {
    /// The logarithm of a number of the gamma distribution of this shape and scale 1, of which small shapes make numbers
    /// that a `Double` does not hold.
    ///
    /// It is Marsaglia and Tsang's method (2000, "A simple method for generating gamma variables"). An attempt takes four
    /// words; of twenty hardly one is rejected.
    ///
    /// - Parameters:
    ///   - shape: above 0.
    ///   - block: the first four words that it may take, and `step` how many blocks further those of the next
    ///     attempt lie.
    public func gammaLogarithm(shape: Double, block: Int = 0, step: Int = 1) -> Double {
        precondition(shape > 0, "a gamma distribution of shape \(shape)")
        // A shape below 1 is one more, times the power of a uniform number.
        let isSmall = shape < 1
        let d = (isSmall ? shape + 1 : shape) - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        var block = block
        while true {
            let normal = Double(normal(at: 2 * block))
            let cube = (1 + c * normal) * (1 + c * normal) * (1 + c * normal)
            if cube > 0,
                log(positive(at: 4 * block + 2)) < normal * normal / 2 + d * (1 - cube + log(cube))
            {
                let power = isSmall ? log(positive(at: 4 * block + 3)) / shape : 0
                return log(d * cube) + power
            }
            block += step
        }
    }

    /// A number of the beta distribution of these shapes, from 0 to 1.
    ///
    /// - Parameter block: the first four words that it takes; it may take any behind them.
    public func beta(_ first: Double, _ second: Double, block: Int = 0) -> Double {
        // X / (X + Y) of two gamma numbers.
        let x = gammaLogarithm(shape: first, block: block, step: 2)
        let y = gammaLogarithm(shape: second, block: block + 1, step: 2)
        return 1 / (1 + exp(y - x))
    }

    /// Uniform in (0, 1).
    private func positive(at index: Int) -> Double { (Double(word(at: index)) + 0.5) * 0x1p-32 }
}
