import Foundation

/// An axis from one round number to another, with round numbers between.
package struct Axis: Equatable {
    package let range: ClosedRange<Double>
    package let ticks: [Double]
    /// Of the ticks' labels.
    let decimals: Int

    /// An axis that holds `values`, which are finite.
    ///
    /// - Parameters:
    ///   - beginsAtZero: whether 0 is on it in any case.
    ///   - limit: what it does not go beyond upwards.
    package init(holding values: [Double], beginsAtZero: Bool = false, limit: Double = .infinity) {
        var (low, high) = (values.min() ?? 0, values.max() ?? 1)
        if beginsAtZero { low = min(low, 0) }
        if high - low < 1e-12 * max(abs(high), abs(low)) || high == low {
            // A single value is in the middle, or at the top above 0.
            let room = high == 0 ? 1 : abs(high) / 2
            if !beginsAtZero { low -= room }
            if high <= 0 || !beginsAtZero { high = min(high + room, limit) }
        }
        let step = Self.roundStep(atLeast: (high - low) / 5)
        let first = (low / step + 1e-9).rounded(.down)
        let last = min((high / step - 1e-9).rounded(.up), (limit / step + 1e-9).rounded(.down))
        ticks = stride(from: first, through: max(last, first + 1), by: 1).map { $0 * step }
        range = ticks[0]...ticks[ticks.count - 1]
        decimals = max(0, Int(-log10(step).rounded(.down)))
    }

    /// 1, 2 or 5 times a power of ten.
    private static func roundStep(atLeast least: Double) -> Double {
        let power = pow(10, log10(least).rounded(.down))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= least * (1 - 1e-9) } ?? 10 * power
    }

    /// Whole numbers up to `last`, each a multiple of a round step: where epochs are named.
    package static func epochTicks(upTo last: Int) -> [Int] {
        let step = last <= 10 ? 1 : Int(roundStep(atLeast: Double(last) / 8))
        return Array(stride(from: step, through: last, by: step))
    }

    /// Where a value lies, from 0 at the beginning to 1 at the end.
    package func share(_ value: Double) -> Double {
        (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    }

    package func label(_ tick: Double) -> String {
        let size = max(abs(range.lowerBound), abs(range.upperBound))
        if tick == 0, size < 0.001 || size >= 10_000 { return "0" }
        if size >= 10_000 { return HumanText.count(tick) }
        return size < 0.001 ? tick.digits(2) : tick.decimals(decimals)
    }
}
