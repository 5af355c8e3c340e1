/// One line of progress as text, never wider than the terminal.
///
///     Epoch 3/10 [==========>-------------------]  34%  84.2k images/s  12s left
///
/// Where columns are few the line does without the remaining time, then the rate, then the bar, and is cut at
/// last.
public struct ProgressBar: Sendable {
    /// The characters that a bar is drawn with.
    public enum Glyphs: Sendable {
        /// Unicode's block elements, down to an eighth of a column.
        case blocks
        case ascii

        /// Blocks where the environment's locale is UTF-8.
        public init(environment: [String: String]) {
            let names = ["LC_ALL", "LC_CTYPE", "LANG"]
            let locale = names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
            let encoding = locale?.lowercased() ?? ""
            self = encoding.contains("utf-8") || encoding.contains("utf8") ? .blocks : .ascii
        }
    }

    /// The widest line, in characters.
    public var columns: Int
    public var glyphs: Glyphs

    private static let barWidths = 10...40

    public init(columns: Int, glyphs: Glyphs) {
        self.columns = columns
        self.glyphs = glyphs
    }

    /// Draws the line.
    ///
    /// - Parameters:
    ///   - fraction: How much is done, 0 to 1; anything else is taken as the nearer of both, and NaN as 0.
    ///   - label: What is being done.
    ///   - rate: How fast, as text.
    ///   - remainingSeconds: How long it will take yet, where that is known.
    public func render(
        fraction: Double, label: String, rate: String? = nil, remainingSeconds: Double? = nil
    ) -> String {
        let done = fraction > 0 ? min(fraction, 1) : 0
        let percent = "\(Int(done * 100))%"
        let start = label.isEmpty ? "" : label + " "
        let paddedPercent = String(repeating: " ", count: 4 - percent.count) + percent
        let rate = rate.map { "  \($0)" } ?? ""
        let remaining = remainingSeconds.map { "  \(HumanText.duration(seconds: $0)) left" } ?? ""

        for tail in [paddedPercent + rate + remaining, paddedPercent + rate, paddedPercent] {
            let width = min(columns - start.count - tail.count - 3, Self.barWidths.upperBound)
            if width >= Self.barWidths.lowerBound { return start + bar(done, width: width) + " " + tail }
        }
        return (start + percent).cut(to: columns)
    }

    /// The bar itself: `width` columns between two edges.
    private func bar(_ done: Double, width: Int) -> String {
        switch glyphs {
        case .blocks:
            let eighths = Int(done * Double(width * 8))
            let partial = eighths % 8 == 0 ? "" : ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8 - 1]
            let full = String(repeating: "█", count: eighths / 8) + partial
            return "▕" + full + String(repeating: " ", count: width - full.count) + "▏"
        case .ascii:
            let full = Int(done * Double(width))
            let head = full < width ? ">" : ""
            let rest = String(repeating: "-", count: width - full - head.count)
            return "[" + String(repeating: "=", count: full) + head + rest + "]"
        }
    }
}
