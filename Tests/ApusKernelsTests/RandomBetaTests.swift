import ApusKernels
import Foundation
import Testing

@Suite struct RandomBetaTests {
    private static let count = 20_000

    private static func random(_ sample: Int) -> CounterRandom {
        CounterRandom(seed: 3, purpose: .mixup, sample: sample)
    }

    /// The sum of central moments up to the fourth of a gamma variable of shape a and scale 1 is known: mean a,
    /// variance a, fourth central moment 3 a^2 + 6 a. Means of n deviate by sqrt(a / n), variances by
    /// sqrt((2 a^2 + 6 a) / n); five deviations are allowed.
    @Test(arguments: [0.1, 0.5, 1, 2.5, 30])
    func gammaNumbersHaveTheirMoments(shape: Double) {
        let values = (0..<Self.count).map { exp(Self.random($0).gammaLogarithm(shape: shape)) }
        let n = Double(Self.count)
        #expect(abs(mean(values) - shape) < 5 * (shape / n).squareRoot())
        let variance = mean(values.map { ($0 - shape) * ($0 - shape) })
        #expect(abs(variance - shape) < 5 * ((2 * shape * shape + 6 * shape) / n).squareRoot())
    }

    /// With s = a + b the mean is a / s and the variance a b / (s^2 (s + 1)). A number between 0 and 1 deviates from its
    /// mean by at most 1, so its squared deviation has at most its variance for variance.
    @Test(arguments: [(0.01, 0.01), (0.2, 0.2), (1, 1), (2, 5), (100, 100)] as [(Double, Double)])
    func betaNumbersHaveTheirMoments(first: Double, second: Double) {
        let values = (0..<Self.count).map { Self.random($0).beta(first, second) }
        #expect(values.allSatisfy { $0 >= 0 && $0 <= 1 })
        let sum = first + second
        let (expected, variance) = (first / sum, first * second / (sum * sum * (sum + 1)))
        let deviation = (variance / Double(Self.count)).squareRoot()
        #expect(abs(mean(values) - expected) < 5 * deviation)
        #expect(abs(mean(values.map { ($0 - expected) * ($0 - expected) }) - variance) < 5 * deviation)
    }

    @Test func numbersThatAreBothHardlyAboveZeroMakeOne() {
        // Of a shape of 0.01, a number in two thousand is below what a Double holds.
        let logarithms = (0..<Self.count).map { Self.random($0).gammaLogarithm(shape: 0.01) }
        #expect(logarithms.contains { $0 < log(Double.leastNonzeroMagnitude) })
        #expect(logarithms.allSatisfy { $0.isFinite })
    }

    @Test func aNumberFollowsFromItsStreamAndPlace() {
        let random = Self.random(1)
        #expect(random.beta(0.5, 0.5) == random.beta(0.5, 0.5))
        #expect(random.beta(0.5, 0.5, block: 1) != random.beta(0.5, 0.5))
        #expect(Self.random(2).beta(0.5, 0.5) != random.beta(0.5, 0.5))
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
