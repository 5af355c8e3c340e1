import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite struct DisplacementFieldTests {
    @Test("Displacements are uniform noise convolved with a Gaussian, nothing being outside")
    func definition() {
        for (height, width, deviation) in [(9, 7, 1.0), (5, 20, 4), (1, 3, 0.5), (28, 28, 2)] {
            withMemory { memory in
                let random = CounterRandom(seed: 8, purpose: .augmentation, sample: 3)
                let field = DisplacementField(strength: 10, deviation: deviation)
                let actual = field.make(
                    height: height, width: width, random,
                    in: memory.view(count: DisplacementField.count(height: height, width: width)))
                let reach = Int((3 * deviation).rounded(.up))
                func weight(_ y: Int, _ x: Int) -> Double {
                    exp(-Double(y * y + x * x) / (2 * deviation * deviation))
                }
                var total = 0.0
                for y in -reach...reach { for x in -reach...reach { total += weight(y, x) } }
                var expected: [Double] = []
                for direction in 0..<2 {
                    for y in 0..<height {
                        for x in 0..<width {
                            var sum = 0.0
                            for row in max(0, y - reach)...min(height - 1, y + reach) {
                                for column in max(0, x - reach)...min(width - 1, x + reach) {
                                    let place = (direction * height + row) * width + column
                                    let noise = 2 * Double(random.uniform(at: place)) - 1
                                    sum += weight(row - y, column - x) * noise
                                }
                            }
                            expected.append(10 * sum / total)
                        }
                    }
                }
                // Sums of as many products in each direction as the Gaussian has weights, of 10 at most in all.
                let roundings = Double(2 * (2 * reach + 1) + 4)
                expectClose(
                    actual.array.map { Double($0) }, expected, absolute: roundings * 0x1p-24 * 10)
            }
        }
    }
}
