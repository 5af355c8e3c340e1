/// Cells in columns that are as wide as their widest cell.
struct TextTable {
    enum Alignment { case left, right }

    private let alignments: [Alignment]
    private var rows: [[String]?] = []

    init(_ alignments: [Alignment]) { self.alignments = alignments }

    mutating func add(_ cells: [String]) { rows.append(cells.map(\.printable)) }

    /// Adds a line across all columns.
    mutating func addRule() { rows.append(nil) }

    /// The table, each line ended, with `gap` spaces between columns.
    func text(gap: Int = 3) -> String {
        let widths = alignments.indices.map { column in
            rows.compactMap { $0?[column].count }.max() ?? 0
        }
        let width = widths.reduce(0, +) + gap * max(0, widths.count - 1)
        let space = String(repeating: " ", count: gap)
        return rows.map { row in
            guard let row else { return String(repeating: "-", count: width) + "\n" }
            let cells = zip(zip(row, widths), alignments).map { $0.0.padded(to: $0.1, $1) }
            return cells.joined(separator: space).trimmedRight + "\n"
        }.joined()
    }
}

extension String {
    /// The text with control characters spelled out: names and metadata of files must not command the terminal.
    var printable: String {
        var text = ""
        for scalar in unicodeScalars {
            if scalar.properties.generalCategory == .control {
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    /// One cell for two columns that are seldom wide in the same row: this text on the left, `right` on the right,
    /// in a width that all of `rows` fit in.
    func beside(_ right: String, in rows: [(left: String, right: String)]) -> String {
        let width = rows.map { $0.left.count + 2 + $0.right.count }.max() ?? 0
        return self + right.padded(to: width - count, .right)
    }

    func padded(to width: Int, _ alignment: TextTable.Alignment = .left) -> String {
        let space = String(repeating: " ", count: max(0, width - count))
        return alignment == .left ? self + space : space + self
    }

    fileprivate var trimmedRight: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// Lines of at most `columns` characters, those after the first begun with `indentation` spaces.
    func wrapped(columns: Int, indentation: Int = 0) -> String {
        let space = String(repeating: " ", count: indentation)
        var lines = [""]
        for word in split(separator: " ") {
            let line = lines[lines.count - 1]
            let isFresh = line.allSatisfy { $0 == " " }
            if isFresh || line.count + 1 + word.count <= columns {
                lines[lines.count - 1] += (isFresh ? "" : " ") + word
            } else {
                lines.append(space + word)
            }
        }
        return lines.joined(separator: "\n")
    }
}

/// Facts under their names, in two columns; long ones go on below themselves.
struct FactList {
    private var facts: [(name: String, text: String)] = []

    mutating func add(_ name: String, _ text: String) { facts.append((name.printable, text.printable)) }

    func text(columns: Int) -> String {
        let width = 2 + (facts.map(\.name.count).max() ?? 0) + 2
        return facts.map { fact in
            ("  " + fact.name).padded(to: width)
                + fact.text.wrapped(columns: columns - width).replacing(
                    "\n", with: "\n" + String(repeating: " ", count: width))
                + "\n"
        }.joined()
    }
}
