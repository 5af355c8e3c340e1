import ApusAnalysis
import ApusKernels
import ApusTraining

extension ProfileReport {
    /// Tables are laid out for this width whatever the terminal's.
    private static let tableWidth = 100

    /// What was measured, the layers, the whole step, and what they count.
    ///
    /// - Parameter showsRoofline: whether the layers' table sets the least time that the roof allows beside the measured.
    package func text(columns: Int, showsRoofline: Bool) -> String {
        let what = isTraining ? "Steps of training" : "Inference"
        let facts =
            "\(what) on \(batchSize.counted("image")) with \(step.threads.counted("thread")), backend "
            + "\(backend.argument), \(layout.words): \(step.count.counted("step")) of "
            + "\(step.seconds.milliseconds) ms, \(Int(imagesPerSecond.rounded()).grouped) images/s."
        return facts.wrapped(columns: columns) + "\n\n"
            + (showsRoofline ? table(rooflineColumns) : layerTable) + "\n" + stepTable + "\n"
            + (showsRoofline ? rooflineNotes : notes).map {
                $0.wrapped(columns: columns, indentation: 2) + "\n"
            }.joined()
    }

    /// With arithmetic intensity where there is room.
    private var layerTable: String {
        let columns = columns
        let table = table(columns)
        let isTooWide = table.split(separator: "\n").contains { $0.count > Self.tableWidth }
        return isTooWide ? self.table(columns.dropLast()) : table
    }

    struct Column {
        var title: String
        var alignment = TextTable.Alignment.right
        var total = ""
        var cell: (Layer) -> String
    }

    private var columns: [Column] {
        var columns = [
            Column(title: "layer", alignment: .left, total: "all layers") { [rows] layer in
                let names = rows.map { ($0.title, $0.kinds) }
                return layer.title.beside(layer.kinds, in: names)
            }
        ]
        columns += passColumns("fwd ms", \.forward)
        if isTraining { columns += passColumns("bwd ms", \.backward) }
        return columns + [
            Column(title: "share", total: layers.reduce(0) { $0 + $1.share }.percents) { $0.share.percents }
        ] + byteColumns
    }

    /// Bytes, and operations for each.
    var byteColumns: [Column] {
        [
            Column(title: "MB", total: layers.reduce(0) { $0 + $1.bytes }.megabytes) {
                $0.bytes == 0 ? "" : $0.bytes.megabytes
            },
            Column(title: "FLOP/B") {
                $0.operations == 0 ? "" : (Double($0.operations) / Double($0.bytes)).threeDigits
            },
        ]
    }

    private func passColumns(_ title: String, _ pass: @escaping (Layer) -> Pass?) -> [Column] {
        let total = layers.reduce(0) { $0 + (pass($1)?.seconds ?? 0) }
        return [
            Column(title: title, total: total.milliseconds) { pass($0)?.seconds.milliseconds ?? "" },
            Column(title: "GF/s") { pass($0)?.gigaflops?.threeDigits ?? "" },
            Column(title: "roof") { pass($0)?.roofShare?.wholePercents ?? "" },
        ]
    }

    private func table(_ columns: some Collection<Column>) -> String {
        var table = TextTable(columns.map(\.alignment))
        table.add(columns.map(\.title))
        table.addRule()
        for layer in rows { table.add(columns.map { $0.cell(layer) }) }
        table.addRule()
        table.add(columns.map(\.total))
        return table.text(gap: 2)
    }

    /// The layers, with containers whose own work cannot be seen made one.
    var rows: [Layer] {
        let hidden = layers.filter { $0.isContainer && $0.share < 0.0005 }
        let shown = layers.filter { !$0.isContainer || $0.share >= 0.0005 }
        guard var sum = hidden.first else { return shown }
        (sum.path, sum.kind) = ("(containers)", "")
        for layer in hidden.dropFirst() {
            sum.parameters += layer.parameters
            sum.multiplyAdds += layer.multiplyAdds
            sum.forward.add(layer.forward)
            if let backward = layer.backward { sum.backward?.add(backward) }
        }
        return shown + [sum]
    }

    /// What the step consists of.
    private var stepTable: String {
        var table = TextTable([.left, .right, .right])
        table.add(["step", "ms", "share"])
        table.addRule()
        func add(_ name: String, _ seconds: Double) {
            table.add([name, seconds.milliseconds, (seconds / step.seconds).percents])
        }
        add("forward", layers.reduce(0) { $0 + $1.forward.seconds })
        if isTraining { add("backward", layers.reduce(0) { $0 + ($1.backward?.seconds ?? 0) }) }
        for part in parts { add(part.name, part.seconds) }
        table.addRule()
        add("all", step.seconds)
        return table.text(gap: 2)
    }

    private var notes: [String] {
        let threads = step.threads.counted("thread")
        let peak = roof.gigaflops.digits(3)
        var notes = [
            "Times are means over the threads, and each moment of each thread is counted once: all add up to the "
                + "step's \(step.seconds.milliseconds) ms on \(threads). Waiting is for other threads, or for work.",
            "GF/s: billions of operations a second of all threads, two for each multiply-add of the layer's "
                + "definition, whatever its algorithm; roof: their percentage of \(peak), the fused multiply-adds of "
                + "one thread (\(roof.gigaflopsOfOneThread.digits(3)), measured now) times \(step.threads).",
            "MB: what a step must read or write once: inputs, outputs, parameters, and their gradients. FLOP/B: "
                + "operations for each of these bytes, where there is room.",
        ]
        if let layer = layers.first(where: { !$0.fused.isEmpty }) {
            notes.append(
                "\(layer.kinds): the layer computes what comes after it, which is counted here and has no row."
            )
        }
        return notes
    }
}

/// What the machine's roofs allow, beside what was measured.
extension ProfileReport {
    private var rooflineColumns: [Column] {
        var columns = [
            Column(title: "layer", alignment: .left, total: "all layers") { $0.title },
            Column(title: "parameters", total: layers.reduce(0) { $0 + $1.parameters }.grouped) {
                $0.parameters == 0 ? "" : $0.parameters.grouped
            },
            Column(title: "MACs", total: HumanText.count(Double(layers.reduce(0) { $0 + $1.multiplyAdds }))) {
                $0.multiplyAdds == 0 ? "" : HumanText.count(Double($0.multiplyAdds))
            },
        ]
        columns += byteColumns
        columns += leastColumns("forward", \.forward)
        if isTraining { columns += leastColumns("backward", \.backward) }
        return columns
    }

    private func leastColumns(_ title: String, _ pass: @escaping (Layer) -> Pass?) -> [Column] {
        let passes = layers.compactMap(pass)
        let (least, seconds) = (
            passes.reduce(0) { $0 + $1.leastSeconds }, passes.reduce(0) { $0 + $1.seconds }
        )
        return [
            Column(title: title, total: least.milliseconds) { pass($0).map(\.leastText) ?? "" },
            Column(title: "ms", total: seconds.milliseconds) { pass($0)?.seconds.milliseconds ?? "" },
            Column(title: "%", total: (least / seconds).wholePercents) {
                pass($0).map { $0.leastSeconds == 0 ? "" : ($0.leastSeconds / $0.seconds).wholePercents }
                    ?? ""
            },
        ]
    }

    private var rooflineNotes: [String] {
        let bandwidths = roof.bandwidths.map {
            "\($0.gigabytesPerSecond.digits(3)) within \($0.bytes >> 10 < 1024 ? "\($0.bytes >> 10) KiB" : "\($0.bytes >> 20) MiB")"
        }.joined(separator: ", ")
        return [
            "Parameters and MACs (multiply-adds of a forward pass over one image) are the layer's own; MB and FLOP/B are "
                + "a step's: what must be read or written once, and operations for each of these bytes.",
            "Forward and backward: the least time by the roofline model, the measured one, and the share of the first "
                + "in the second. The least is the greater of operations by \(roof.gigaflops.digits(3)) GFLOP/s and bytes, "
                + "marked by a star, by what \(step.threads.counted("thread")) can copy: GB/s \(bandwidths) of a thread, "
                + "of which that counts which holds the layer's part of a shard. All was measured now.",
            "Above 100 % is a layer that does fewer operations than its definition (winograd, zeros left out, the last "
                + "convolution before a global average pool), or finds its data nearer than the model has it. Containers and "
                + "what has no bytes of its own have no least time.",
        ]
    }
}

extension ProfileReport.Layer {
    fileprivate var title: String { path.isEmpty ? "(all)" : path }
    fileprivate var kinds: String { ([kind] + fused).joined(separator: "+") }
    fileprivate var share: Double { forward.share + (backward?.share ?? 0) }
    fileprivate var bytes: Int { forward.bytes + (backward?.bytes ?? 0) }
    fileprivate var operations: Int { forward.operations + (backward?.operations ?? 0) }
}

extension ProfileReport.Pass {
    /// Milliseconds, with a star where memory is the limit.
    fileprivate var leastText: String {
        leastSeconds == 0 ? "" : leastSeconds.milliseconds + (limit == .memory ? "*" : " ")
    }

    fileprivate mutating func add(_ other: ProfileReport.Pass) {
        leastSeconds += other.leastSeconds
        seconds += other.seconds
        share += other.share
    }
}

extension Double {
    /// Seconds in milliseconds, in up to six characters.
    var milliseconds: String {
        let value = self * 1000
        return value.decimals(value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0)
    }

    /// In three digits, and never in powers of ten.
    fileprivate var threeDigits: String { decimals(self < 9.995 ? 2 : self < 99.95 ? 1 : 0) }

    /// A share as whole percents, under a title that says so: the table has no room for the sign in every row.
    fileprivate var wholePercents: String { (self * 100).decimals(0) }

    /// A share as percents with a decimal.
    fileprivate var percents: String { "\((self * 100).decimals(1)) %" }
}

extension Int {
    fileprivate var megabytes: String { (Double(self) / 1e6).threeDigits }
}
