import ApusTraining
import Foundation

/// An axis of a plot: where numbers lie on it, and the round ones that are written beside it.
package struct PlotScale {
    /// Each from 0 at the beginning to 1 at the end.
    package let ticks: [(share: Double, label: String)]
    private let axis: Axis?
    private let decades: ClosedRange<Double>

    /// An axis that holds `values`, which are finite, and for logarithms above 0.
    ///
    /// - Parameter limit: what it does not go beyond upwards, where it is not logarithmic.
    package init(holding values: [Double], isLogarithmic: Bool, limit: Double = .infinity) {
        guard isLogarithmic else {
            let axis = Axis(holding: values, limit: limit)
            self.axis = axis
            decades = 0...1
            ticks = axis.ticks.map { (axis.share($0), axis.label($0)) }
            return
        }
        axis = nil
        let logarithms = values.map(log10)
        let (low, high) = (logarithms.min() ?? 0, logarithms.max() ?? 1)
        // A twentieth of room at the ends.
        let room = max(0.15, (high - low) / 20)
        let range = (low - room)...(high + room)
        decades = range
        let steps: [Double] = high - low > 2 ? [1] : [1, 2, 5]
        let exponents = Int(range.lowerBound.rounded(.down))...Int(range.upperBound.rounded(.up))
        ticks = exponents.flatMap { exponent in
            steps.map { $0 * pow(10, Double(exponent)) }
        }.filter { range.contains(log10($0)) }.map {
            (
                (log10($0) - range.lowerBound) / (range.upperBound - range.lowerBound), Self.label($0)
            )
        }
    }

    /// Where a number lies.
    package func share(_ value: Double) -> Double {
        if let axis { return axis.share(value) }
        return (log10(value) - decades.lowerBound) / (decades.upperBound - decades.lowerBound)
    }

    /// `200`, `5k`, `10M`; `0.01`.
    private static func label(_ value: Double) -> String {
        guard value >= 1 else { return value.digits(2) }
        let text = HumanText.count(value)
        let unit = text.last.map { $0.isLetter ? String($0) : "" } ?? ""
        return (Double(text.dropLast(unit.count)) ?? 0).digits(3) + unit
    }
}
