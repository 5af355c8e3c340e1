import ApusKernels
import ApusNN

extension NetworkSummary {
    /// How each layer is computed, and how the batch is cut.
    func planText(columns: Int) -> String {
        let shown = rows
        let names = shown.map { ($0.layer.title, $0.layer.kind) }
        var table = TextTable([.left, .right, .left, .left])
        table.add(["layer", "output", "computed by", "memory"])
        table.addRule()
        for (layer, fused) in shown {
            table.add([
                layer.title.beside(layer.kind, in: names), layer.outputText,
                ([layer.algorithm].compactMap(\.self) + fused).joined(separator: ", "), layer.placement.text,
            ])
        }
        let notes = [
            "Memory: a layer's output has memory of its own, lies in place of its input, or is a view of its "
                + "input, and then the layer is not run.",
            "What is computed by the layer before it stands there, and has no row.",
        ]
        return table.text(gap: 2) + "\n" + planFacts.text(columns: columns) + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }

    /// The layers that stand for themselves, each with the kinds of those it computes too.
    private var rows: [(layer: LayerSummary, fused: [String])] {
        layers.reduce(into: []) { rows, layer in
            if layer.placement == .fused {
                rows[rows.count - 1].fused.append(layer.kind)
            } else {
                rows.append((layer, []))
            }
        }
    }

    private var planFacts: FactList {
        let fused = layers.filter { $0.placement == .fused }.count
        let shards = (batchSize + shardSize - 1) / shardSize
        var facts = FactList()
        facts.add("backend", backend.argument)
        facts.add("layout", layout.words)
        facts.add("fused", fused == 0 ? "no layer" : fused.counted("layer"))
        facts.add(
            "batch",
            "\(batchSize.counted("image")) in \(shards.counted("shard")) of \(shardSize.grouped) at most, dealt to "
                + "\(lanes.counted("lane")) for \(threads.counted("thread"))")
        return facts
    }
}

extension Layout {
    /// `channels first`.
    var words: String {
        rawValue.reduce(into: "") { $0 += $1.isUppercase ? " " + $1.lowercased() : String($1) }
    }
}

extension PlannedLayer.Placement {
    fileprivate var text: String {
        switch self {
        case .own: "own"
        case .inPlace: "in place"
        case .view, .fused: "view"
        }
    }
}
