import ApusKernels

extension ProfileReport {
    /// Tables are laid out for this width whatever the terminal's.
    private static let tableWidth = 100

    /// What was measured, the layers, the whole step, and what they count.
    func text(columns: Int) -> String {
        let what = isTraining ? "Steps of training" : "Inference"
        let facts =
            "\(what) on \(batchSize.counted("image")) with \(step.threads.counted("thread")), backend "
            + "\(backend.argument), \(layout.words): \(step.count.counted("step")) of "
            + "\(step.seconds.milliseconds) ms, \(Int(imagesPerSecond.rounded()).grouped) images/s."
        return facts.wrapped(columns: columns) + "\n\n" + layerTable + "\n" + stepTable + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }

    /// With arithmetic intensity where there is room.
    private var layerTable: String {
        let columns = columns
        let table = table(columns)
        let isTooWide = table.split(separator: "\n").contains { $0.count > Self.tableWidth }
        return isTooWide ? self.table(columns.dropLast()) : table
    }

    private struct Column {
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
        let bytes = layers.reduce(0) { $0 + $1.bytes }
        return columns + [
            Column(title: "share", total: layers.reduce(0) { $0 + $1.share }.percents) { $0.share.percents },
            Column(title: "MB", total: bytes.megabytes) { $0.bytes == 0 ? "" : $0.bytes.megabytes },
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
            Column(title: "roof") { pass($0)?.roofShare?.percent ?? "" },
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
    private var rows: [Layer] {
        let hidden = layers.filter { $0.isContainer && $0.share < 0.0005 }
        let shown = layers.filter { !$0.isContainer || $0.share >= 0.0005 }
        guard var sum = hidden.first else { return shown }
        (sum.path, sum.kind) = ("(containers)", "")
        for layer in hidden.dropFirst() {
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
        let roof = (step.gigaflopsOfOneThread * Double(step.threads)).digits(3)
        var notes = [
            "Times are means over the threads, and each moment of each thread is counted once: all add up to the "
                + "step's \(step.seconds.milliseconds) ms on \(threads). Waiting is for other threads, or for work.",
            "GF/s: billions of operations a second of all threads, two for each multiply-add of the layer's "
                + "definition, whatever its algorithm; roof: their share of \(roof), the fused multiply-adds of "
                + "one thread (\(step.gigaflopsOfOneThread.digits(3)), measured now) times \(step.threads).",
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

extension ProfileReport.Layer {
    fileprivate var title: String { path.isEmpty ? "(all)" : path }
    fileprivate var kinds: String { ([kind] + fused).joined(separator: "+") }
    fileprivate var share: Double { forward.share + (backward?.share ?? 0) }
    fileprivate var bytes: Int { forward.bytes + (backward?.bytes ?? 0) }
    fileprivate var operations: Int { forward.operations + (backward?.operations ?? 0) }
}

extension ProfileReport.Pass {
    fileprivate mutating func add(_ other: ProfileReport.Pass) {
        seconds += other.seconds
        share += other.share
    }
}

extension Double {
    /// Seconds in milliseconds, in up to six characters.
    fileprivate var milliseconds: String {
        let value = self * 1000
        return value.decimals(value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0)
    }

    /// In three digits, and never in powers of ten.
    fileprivate var threeDigits: String { decimals(self < 9.995 ? 2 : self < 99.95 ? 1 : 0) }

    /// A share as percents with a decimal.
    fileprivate var percents: String { "\((self * 100).decimals(1)) %" }
}

extension Int {
    fileprivate var megabytes: String { (Double(self) / 1e6).threeDigits }
}
