/// One line of progress as text, never wider than the terminal.
///
///     Epoch 3/10 [==========>-------------------]  34%  loss 0.421  84.2k images/s  12s left
///
/// Where columns are few the line does without some details, then the bar, then the rest of them, and is cut at last.
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

    /// What is told beside how much is done.
    public struct Detail: Sendable, Equatable {
        /// What goes first where columns are few; of equals the later one.
        public enum Importance: Int, Sendable {
            /// Stays longer than the bar.
            case essential
            case useful, extra
        }

        public var text: String
        public var importance: Importance

        public init(_ text: String, _ importance: Importance) {
            self.text = text
            self.importance = importance
        }
    }

    /// The widest line, in characters.
    public var columns: Int
    public var glyphs: Glyphs

    private static let barWidths = 8...40

    public init(columns: Int, glyphs: Glyphs) {
        self.columns = columns
        self.glyphs = glyphs
    }

    /// Draws the line.
    ///
    /// - Parameters:
    ///   - fraction: How much is done, 0 to 1; anything else is taken as the nearer of both, and NaN as 0.
    ///   - label: What is being done.
    ///   - details: What else is told, from left to right.
    public func render(fraction: Double, label: String, details: [Detail]) -> String {
        let done = fraction > 0 ? min(fraction, 1) : 0
        let percent = "\(Int(done * 100))%"
        let start = label.isEmpty ? "" : label + " "
        let essentials = details.filter { $0.importance == .essential }.count
        for count in stride(from: details.count, through: essentials, by: -1) {
            let tail = percent.padded(to: 4) + Self.text(details, keeping: count)
            let width = min(columns - start.count - tail.count - 3, Self.barWidths.upperBound)
            if width >= Self.barWidths.lowerBound { return start + bar(done, width: width) + " " + tail }
        }
        for count in stride(from: essentials, through: 0, by: -1) {
            let line = start + percent + Self.text(details, keeping: count)
            if line.count <= columns { return line }
        }
        return (start + percent).cut(to: columns)
    }

    /// The line with the usual details: how fast, as text, and how long it will take yet.
    public func render(
        fraction: Double, label: String, rate: String? = nil, remainingSeconds: Double? = nil
    ) -> String {
        let remaining = remainingSeconds.map { "\(HumanText.duration(seconds: $0)) left" }
        return render(
            fraction: fraction, label: label,
            details: [rate, remaining].compactMap { $0.map { Detail($0, .useful) } })
    }

    /// The most important details, in their order.
    private static func text(_ details: [Detail], keeping count: Int) -> String {
        let ranked = details.indices.sorted {
            (details[$0].importance.rawValue, $0) < (details[$1].importance.rawValue, $1)
        }
        return ranked.prefix(count).sorted().map { "  " + details[$0].text }.joined()
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

extension String {
    /// At the right end of `width` characters.
    fileprivate func padded(to width: Int) -> String {
        String(repeating: " ", count: max(width - count, 0)) + self
    }
}
