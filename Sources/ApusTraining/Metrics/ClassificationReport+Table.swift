import Foundation

extension ClassificationReport {
    /// The report for people: accuracy and loss, a row for each class, averages, and the confusion matrix.
    ///
    /// Where the confusion matrix is too wide, the most frequent confusions are listed in its place.
    ///
    /// - Parameter columns: The width of the terminal, in characters; class names are cut to fit.
    public func table(columns: Int = 100) -> String {
        let blocks = [scoreLines(columns: columns), confusionLines(columns: columns)]
        return blocks.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private func scoreLines(columns: Int) -> [String] {
        let numbers = 4 * 11
        let footers = ["macro average", "weighted average"]
        let longest = (perClass.map(\.name) + footers).map(\.count).max() ?? 0
        let nameWidth = min(longest, max(columns - numbers, 8))

        func row(_ name: String, _ cells: [String]) -> String {
            name.fitted(to: nameWidth) + cells.map { $0.rightAligned(to: 11) }.joined()
        }
        func row(_ name: String, _ scores: [Double], _ support: Int) -> String {
            row(name, scores.map(\.fourDecimals) + ["\(support)"])
        }

        let rule = String(repeating: "-", count: nameWidth + numbers)
        var lines = [headline, "", row("class", ["precision", "recall", "f1", "support"]), rule]
        lines += perClass.map { row($0.name, [$0.precision, $0.recall, $0.f1], $0.support) }
        lines.append(rule)
        for (name, scores) in zip(footers, [macroAverage, weightedAverage]) {
            lines.append(row(name, [scores.precision, scores.recall, scores.f1], sampleCount))
        }
        return lines
    }

    private var headline: String {
        let loss = loss.map { ", loss \($0.fourDecimals)" } ?? ""
        return "accuracy \(accuracy.fourDecimals)\(loss) on \(sampleCount) samples"
    }

    private func confusionLines(columns: Int) -> [String] {
        let largest = confusion.joined().max() ?? 0
        let indexWidth = "\(perClass.count - 1)".count
        let cellWidth = max("\(largest)".count, indexWidth) + 2
        let cells = cellWidth * perClass.count
        let shortestName = 8
        guard indexWidth + 1 + shortestName + cells <= columns else {
            return frequentConfusions(columns: columns)
        }

        let longest = perClass.map(\.name.count).max() ?? 0
        let nameWidth = min(max(longest, shortestName), columns - cells - indexWidth - 1)
        var lines = ["Confusion matrix: a row for each actual class, a column for each predicted one"]
        let header = perClass.indices.map { "\($0)".rightAligned(to: cellWidth) }.joined()
        lines.append(String(repeating: " ", count: indexWidth + 1 + nameWidth) + header)
        for (index, row) in confusion.enumerated() {
            let number = "\(index)".rightAligned(to: indexWidth)
            let counts = row.map { ($0 == 0 ? "." : "\($0)").rightAligned(to: cellWidth) }.joined()
            lines.append("\(number) \(perClass[index].name.fitted(to: nameWidth))\(counts)")
        }
        return lines
    }

    private func frequentConfusions(columns: Int) -> [String] {
        let most = confusions.prefix(10)
        guard let largest = most.first?.count else {
            return ["No confusions: every sample was predicted right"]
        }

        let countWidth = "\(largest)".count
        let nameWidth = max((columns - countWidth - 6) / 2, 8)
        let names = most.map { perClass[$0.actual].name.cut(to: nameWidth) }
        let widest = names.map(\.count).max() ?? 0
        return ["Most frequent confusions: actual -> predicted"]
            + zip(most, names).map { confusion, name in
                "\(confusion.count)".rightAligned(to: countWidth) + "  " + name.fitted(to: widest) + " -> "
                    + perClass[confusion.predicted].name.cut(to: nameWidth)
            }
    }
}

extension ClassificationReport {
    /// What was taken for something else, the most frequent first.
    var confusions: [(actual: Int, predicted: Int, count: Int)] {
        let confusions = confusion.enumerated().flatMap { actual, row in
            row.enumerated().compactMap { predicted, count in
                count > 0 && predicted != actual ? (actual: actual, predicted: predicted, count: count) : nil
            }
        }
        // Ties stay in class order, so that equal runs print equal tables.
        return confusions.sorted {
            ($1.count, $0.actual, $0.predicted) < ($0.count, $1.actual, $1.predicted)
        }
    }
}

extension Double {
    fileprivate var fourDecimals: String { String(format: "%.4f", self) }
}

extension String {
    fileprivate func rightAligned(to width: Int) -> String {
        String(repeating: " ", count: max(width - count, 0)) + self
    }

    /// Exactly `width` characters: cut, or filled up with spaces.
    fileprivate func fitted(to width: Int) -> String {
        let text = cut(to: width)
        return text + String(repeating: " ", count: max(width - text.count, 0))
    }
}
