/// A rate and what was measured.
package struct NamedRate: Sendable, Equatable {
    package let name: String
    package let rate: MeasuredRate

    package init(_ name: String, _ rate: MeasuredRate) {
        self.name = name
        self.rate = rate
    }
}

/// Two runs of the benchmarks, by the medians of what both have measured.
package struct Comparison: Sendable {
    package enum Verdict: Sendable, Equatable {
        case same, faster, slower
    }

    package struct Row: Sendable {
        package let name: String
        package let before: MeasuredRate
        package let after: MeasuredRate

        /// How many times as fast it is now.
        package var ratio: Double { after.median / before.median }

        /// What the ratio may differ from 1 by chance: half of both spreads, for so far may each median be off.
        package var noise: Double { max(Comparison.leastNoise, (before.spread + after.spread) / 2) }

        package var verdict: Verdict {
            ratio > 1 + noise ? .faster : ratio < 1 / (1 + noise) ? .slower : .same
        }
    }

    /// Rounds of one process lie closer together than processes do, which have their memory in other places: the
    /// medians of six runs of one program, on one thread, lay within 4.4 % of each other.
    package static let leastNoise = 0.05

    /// In the order of the later run.
    package let rows: [Row]

    package init(before: [NamedRate], after: [NamedRate]) {
        let earlier = Dictionary(before.map { ($0.name, $0.rate) }) { first, _ in first }
        rows = after.compactMap { now in
            earlier[now.name].map { Row(name: now.name, before: $0, after: now.rate) }
        }
    }

    /// Whether anything has become slower by more than noise.
    package var isRegression: Bool { rows.contains { $0.verdict == .slower } }
}
