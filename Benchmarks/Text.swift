import BenchmarkResults
import Foundation

/// Columns of a table, and the numbers in them.
enum Text {
    /// A row whose first cell takes `width` columns and the others twelve.
    static func row(_ first: String, width: Int, _ rest: [String]) -> String {
        first + String(repeating: " ", count: max(0, width - first.count))
            + rest.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
    }

    static func number(_ value: Double) -> String {
        String(format: value < 100 ? "%.1f" : "%.0f", value)
    }

    static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }

    static func times(_ ratio: Double) -> String { String(format: "%.2fx", ratio) }

    static func memory(_ bytes: Int) -> String {
        bytes < 1 << 20 ? "\(bytes >> 10) KiB" : String(format: "%.1f MiB", Double(bytes) / 0x1p20)
    }

    /// At most three digits; only nothing is `0`.
    static func count(_ value: Double) -> String { String(format: "%.3g", value) }

    /// A duration of three digits.
    static func time(seconds: Double) -> String {
        let (scaled, unit) =
            seconds < 1e-3 ? (1e6 * seconds, "us") : seconds < 1 ? (1e3 * seconds, "ms") : (seconds, "s")
        return String(format: "%.3g %@", scaled, unit)
    }
}

extension Comparison {
    /// A table of what both runs have measured, and a sentence.
    var text: String {
        let width = (rows.map(\.name.count).max() ?? 0) + 2
        let heading = Text.row(
            "Against the baseline", width: width, ["before", "now", "now/before", "noise", ""])
        let lines = rows.map { row in
            let verdict =
                switch row.verdict {
                case .same: ""
                case .faster: "faster"
                case .slower: "SLOWER"
                }
            return Text.row(
                row.name, width: width,
                [
                    Text.number(row.before.median), Text.number(row.after.median), Text.times(row.ratio),
                    Text.percent(row.noise), verdict,
                ])
        }
        func count(_ verdict: Verdict) -> Int { rows.count { $0.verdict == verdict } }
        let summary = "\(count(.slower)) slower, \(count(.faster)) faster, \(count(.same)) within noise"
        return ([heading] + lines + [summary]).joined(separator: "\n")
    }
}
