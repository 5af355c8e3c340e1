import ApusKernels
import ApusNN

extension NetworkSummary {
    /// How each layer is computed, and how the batch is cut.
    func planText(columns: Int) -> String {
        var table = TextTable([.left, .left, .right, .left, .left])
        table.add(["layer", "kind", "output", "computed by", "memory"])
        table.addRule()
        for (layer, next) in zip(layers, layers.dropFirst().map(Optional.some) + [nil])
        where layer.placement != .fused {
            let activation = next?.placement == .fused ? next?.kind : nil
            table.add([
                layer.title, layer.kind, layer.outputText,
                [layer.algorithm, activation].compactMap(\.self).joined(separator: " + "),
                layer.placement.text,
            ])
        }
        let notes = [
            "Memory: a layer's output has memory of its own, lies over its input, or is its input, and then the "
                + "layer is not run.",
            "An activation that is computed by the layer before it stands there, and has no row.",
        ]
        return table.text(gap: 2) + "\n" + planFacts.text(columns: columns) + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }

    private var planFacts: FactList {
        let activations = layers.filter { $0.placement == .fused }.count
        let shards = (batchSize + shardSize - 1) / shardSize
        var facts = FactList()
        facts.add("backend", backend.argument)
        facts.add("layout", layout.words)
        facts.add("fused", activations == 0 ? "no activation" : activations.counted("activation"))
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
        case .inPlace: "over input"
        case .view, .fused: "input"
        }
    }
}
