import ApusKernels
import Testing

@Suite struct RandomTests {
    /// The known answers published with Random123 for philox4x32-10.
    @Test(
        arguments: [
            (
                [0, 0, 0, 0], 0,
                SIMD4(0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8)
            ),
            (
                [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], .max,
                SIMD4(0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD)
            ),
            (
                [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], 0x299F_31D0_A409_3822,
                SIMD4(0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1)
            ),
        ] as [([Int], UInt64, SIMD4<UInt32>)])
    func wordsAreThoseOfPhilox(counter: [Int], seed: UInt64, expected: SIMD4<UInt32>) {
        let random = CounterRandom(
            seed: seed, purpose: .init(rawValue: UInt16(counter[1] >> 16)), unit: counter[1] & 0xFFFF,
            epoch: counter[2], sample: counter[3])
        #expect(random.words(block: counter[0]) == expected)
        for place in 0..<4 where counter[0] == 0 { #expect(random.word(at: place) == expected[place]) }
    }

    @Test func streamsThatDifferInAnyPartDiffer() {
        func words(
            seed: UInt64 = 1, _ purpose: CounterRandom.Purpose = .dropout, unit: Int = 1, epoch: Int = 1,
            sample: Int = 1
        ) -> SIMD4<UInt32> {
            CounterRandom(seed: seed, purpose: purpose, unit: unit, epoch: epoch, sample: sample)
                .words(block: 0)
        }
        let all = [
            words(), words(seed: 2), words(seed: 1 + 1 << 32), words(.shuffle), words(.initialization),
            words(unit: 2), words(epoch: 2), words(sample: 2),
        ]
        #expect(Set(all).count == all.count)
    }

    /// The mean of n uniform numbers deviates by 1 / sqrt(12 n), their mean square by sqrt(4 / 45 / n);
    /// five deviations are allowed.
    @Test func uniformNumbersHaveTheirMoments() {
        let random = CounterRandom(seed: 5, purpose: .synthesis)
        let count = 20_000
        let values = (0..<count).map { Double(random.uniform(at: $0)) }
        #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
        let root = Double(count).squareRoot()
        #expect(abs(mean(values) - 0.5) < 5 / 12.squareRoot() / root)
        #expect(abs(mean(values.map { $0 * $0 }) - 1 / 3) < 5 * (4.0 / 45).squareRoot() / root)
        // Neighbours do not go together: their product has the variance 7/144.
        let products = zip(values, values.dropFirst()).map { ($0 - 0.5) * ($1 - 0.5) }
        #expect(abs(mean(products)) < 5 / 12 / root)
    }

    /// Moments of n standard normal numbers deviate by sqrt(1, 2, 15, 96 over n); five are allowed.
    @Test func normalNumbersHaveTheirMoments() {
        let random = CounterRandom(seed: 6, purpose: .synthesis)
        let values = (0..<20_000).map { Double(random.normal(at: $0)) }
        let root = 20_000.0.squareRoot()
        #expect(abs(mean(values)) < 5 / root)
        #expect(abs(mean(values.map { $0 * $0 }) - 1) < 5 * 2.0.squareRoot() / root)
        #expect(abs(mean(values.map { $0 * $0 * $0 })) < 5 * 15.0.squareRoot() / root)
        #expect(abs(mean(values.map { $0 * $0 * $0 * $0 }) - 3) < 5 * 96.0.squareRoot() / root)
        let products = zip(values, values.dropFirst()).map { $0 * $1 }
        #expect(abs(mean(products)) < 5 / root)
    }

    @Test(arguments: [0, 1, 2, 10, 1000])
    func aPermutationHoldsEachNumberOnce(count: Int) {
        let order = CounterRandom(seed: 7, purpose: .shuffle, epoch: 3).permutation(count: count)
        #expect(order.sorted() == Array(0..<count))
        if count == 1000 { #expect(order != Array(0..<count)) }
        let other = CounterRandom(seed: 7, purpose: .shuffle, epoch: 4).permutation(count: count)
        if count >= 10 { #expect(order != other) }
    }

    /// Each of the 6 orders of three is drawn 1000 times of 6000, within five deviations, sqrt(6000 x 5/36).
    @Test func permutationsAreUniform() {
        var counts: [[Int]: Int] = [:]
        for epoch in 0..<6000 {
            let order = CounterRandom(seed: 8, purpose: .shuffle, epoch: epoch).permutation(count: 3)
            counts[order, default: 0] += 1
        }
        #expect(counts.count == 6)
        #expect(counts.values.allSatisfy { abs(Double($0) - 1000) < 5 * 28.9 })
    }

    @Test func integersCoverTheirRangeAlone() {
        let random = CounterRandom(seed: 9, purpose: .synthesis)
        let values = (0..<1000).map { random.integer(below: 7, at: $0) }
        #expect(Set(values) == Set(0..<7))
        #expect(random.integer(below: 1, at: 0) == 0)
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
}
