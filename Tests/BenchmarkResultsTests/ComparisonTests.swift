import BenchmarkResults
import Testing

@Suite("Comparing two runs of the benchmarks")
struct ComparisonTests {
    private func verdict(_ before: [Double], _ after: [Double]) -> Comparison.Verdict? {
        Comparison(
            before: [NamedRate("a", MeasuredRate(rates: before))],
            after: [NamedRate("a", MeasuredRate(rates: after))]
        ).rows.first?.verdict
    }

    @Test("Rounds without spread may differ by the least noise, and no more")
    func leastNoise() {
        let bound = 1 + Comparison.leastNoise
        #expect(verdict([100], [100]) == .same)
        #expect(verdict([100], [100 * bound * 0.999]) == .same)
        #expect(verdict([100], [100 * bound * 1.001]) == .faster)
        #expect(verdict([100 * bound * 0.999], [100]) == .same)
        #expect(verdict([100 * bound * 1.001], [100]) == .slower)
    }

    @Test("Medians may differ by half of both spreads")
    func spread() {
        // Spreads of 20 % and 40 %: 30 % of noise.
        let (steady, wild) = ([90.0, 100, 110], [0.8, 1.0, 1.2])
        #expect(verdict(steady, wild.map { 129 * $0 }) == .same)
        #expect(verdict(steady, wild.map { 131 * $0 }) == .faster)
        #expect(verdict(steady, wild.map { 100 / 1.29 * $0 }) == .same)
        #expect(verdict(steady, wild.map { 100 / 1.31 * $0 }) == .slower)
    }

    @Test("However far its rounds lie apart, something ten times slower is a regression")
    func wildRounds() {
        #expect(verdict([50, 100, 250], [8, 10, 25]) == .slower)
    }

    @Test("What only one run has measured is left out, and the later run's order kept")
    func names() {
        func named(_ names: [String]) -> [NamedRate] {
            names.map { NamedRate($0, MeasuredRate(rates: [1])) }
        }
        let comparison = Comparison(before: named(["a", "b", "c"]), after: named(["c", "d", "a"]))
        #expect(comparison.rows.map(\.name) == ["c", "a"])
    }

    @Test("One slower benchmark among faster ones is a regression; faster ones are none")
    func regression() {
        func run(_ a: Double, _ b: Double) -> [NamedRate] {
            [
                NamedRate("a", MeasuredRate(rates: [a])),
                NamedRate("b", MeasuredRate(rates: [b])),
            ]
        }
        #expect(!Comparison(before: run(1, 1), after: run(2, 1)).isRegression)
        #expect(Comparison(before: run(1, 1), after: run(2, 0.5)).isRegression)
        #expect(Comparison(before: run(4, 2), after: run(6, 1)).rows.map(\.ratio) == [1.5, 0.5])
    }
}
