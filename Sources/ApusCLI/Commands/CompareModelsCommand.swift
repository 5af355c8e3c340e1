import ApusAnalysis
import ApusFormats
import ApusKernels
import ApusModels
import ApusTraining
import Foundation

/// `apus compare-models`: what networks cost, side by side.
struct CompareModelsCommand: Command {
    private static let models = Operand(
        "model", isRepeated: true, isOptional: true,
        help:
            "A network of the catalogue, or a variant of one; by default \(ModelCatalog.names.joined(separator: ", ")), and "
            + "what else --runs holds."
    )
    private static let runs = Option<String?>(
        "runs", short: "r", "folders", absent: "none",
        help:
            "Folders of runs, or of folders of runs, separated by commas: the most accurate run of a model says its "
            + "accuracy, and for which images and classes it is built. In a folder of runs, those without an accuracy are left "
            + "out.")
    private static let batchSize = CommonOptions.batchSize(default: 16, help: "Images of a pass.")
    private static let steps = Option<Int?>(
        "steps", "n", absent: "as many as two seconds take, at least 3", .between(1, and: 1_000_000),
        help: "Passes to measure of each model in each direction, after a few that warm up.")
    private static let chart = Option<String?>(
        "chart", short: "o", "file", absent: "none",
        help:
            "Where a picture of cost against accuracy goes, as PNG; against parameters, where no run is known."
    )
    private static let against = Option(
        "cost", "what", default: CostAxis.operations,
        help: "The chart's cost: of a forward pass over an image.")

    static let specification = CommandSpecification(
        "compare-models", abstract: "Compares networks: parameters, operations, memory, times, accuracy.",
        operands: [models],
        options: [
            runs, batchSize, steps, chart, against, CommonOptions.backend, CommonOptions.threads,
            CommonOptions.json,
        ],
        examples: [
            Example("compare-models", "All networks of the catalogue."),
            Example(
                "compare-models lenet5 lenet5-keras --runs runs --chart networks.png",
                "Two of them, with what was trained of them, and a chart."),
        ])

    /// Nil where none is named.
    let names: [ModelName]?
    let runs: [URL]
    let batchSize: Int
    let steps: Int?
    let chart: URL?
    let axis: CostAxis
    let backend: Backend
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        let names = try arguments.all(Self.models).map(Self.name(of:))
        if let repeated = names.first(where: { name in names.count(where: { $0 == name }) > 1 }) {
            throw UsageError.other("\(repeated.argument) is given more than once")
        }
        self.names = names.isEmpty ? nil : names
        runs = (arguments[Self.runs] ?? "").split(separator: ",").map { URL(fileURLWithPath: String($0)) }
        batchSize = arguments[Self.batchSize]
        steps = arguments[Self.steps]
        chart = arguments[Self.chart].map { URL(fileURLWithPath: $0) }
        axis = arguments[Self.against]
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
        guard chart != nil || !arguments.contains(Self.against) else {
            throw UsageError.other("\(Self.against.spelling) is for \(Self.chart.spelling)")
        }
    }

    private static func name(of text: String) throws(UsageError) -> ModelName {
        do {
            return try ModelName(argument: text)
        } catch {
            throw .invalidValue(
                option: models.spelling, found: text, requirement: error.requirement,
                suggestion: NearestName.suggestion(for: text, among: ModelName.choices))
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let font = try chart.map { _ in try Font.standard() }
        let results = try RunResult.runs(at: runs) { path, error in
            console.complain("note: \(RunFolder.shown(path)) is left out: \("\(error)".printable)\n")
        }
        CommonOptions.remark(onThreads: threads, to: console)
        let comparison = try ModelComparison(
            models(of: results), batchSize: batchSize, threads: threads, backend: backend, steps: steps,
            runs: results)
        for run in comparison.otherRuns where !comparison.entries.contains(where: { $0.model == run.model }) {
            console.complain(
                "note: \(RunFolder.shown(run.path)) is a run of \(run.model), which is not compared\n")
        }
        if let chart, let font {
            try comparison.plot(axis).image(font: font).writePNG(to: chart)
        }
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(comparison), as: UTF8.self) + "\n")
        } else {
            console.write(comparison.text(columns: min(console.columns, 100)))
            if let chart { console.write("\nAs a chart: \(RunFolder.shown(chart.path))\n") }
        }
        return .success
    }

    /// Those that are named, or else all of the catalogue and those of the runs.
    private func models(of runs: [RunResult]) -> [any Model] {
        if let names { return names.map { $0.model() } }
        let others = Set(runs.map(\.model)).subtracting(ModelCatalog.names).sorted()
        return (ModelCatalog.names + others).compactMap { ModelCatalog.model(named: $0) }
    }
}

extension CostAxis: ArgumentValue {}

extension ModelComparison {
    fileprivate func text(columns: Int) -> String {
        let hasRuns = entries.contains { $0.run != nil }
        var table = TextTable([.left] + [TextTable.Alignment](repeating: .right, count: hasRuns ? 10 : 9))
        table.add(
            [
                "model", "input", "parameters", "weights", "MACs", "activations", "forward", "ms", "step",
                "ms",
            ] + (hasRuns ? ["accuracy"] : []))
        table.addRule()
        for entry in entries {
            table.add(
                [
                    entry.model, entry.input.shapeText, entry.parameters.grouped, entry.weightBytes.bytes,
                    HumanText.count(Double(entry.multiplyAdds)), entry.activationBytes.bytes,
                    entry.forward.leastSeconds.milliseconds, entry.forward.measuredSeconds.milliseconds,
                    entry.step.leastSeconds.milliseconds, entry.step.measuredSeconds.milliseconds,
                ] + (hasRuns ? [entry.run?.accuracy.decimals(4) ?? ""] : []))
        }
        var notes = [
            "MACs: multiply-adds of a forward pass over one image. Weights: the parameters in a file. Activations: what "
                + "training keeps of \(batchSize.counted("image")), inputs and outputs included.",
            "Forward and step (forward, backward, update) of \(batchSize.counted("image")) on "
                + "\(threads.counted("thread")), backend \(backend.argument): the least time of the layers by the "
                + "roofline model, and the measured one; 'apus profile --roofline' shows the layers.",
        ]
        if Set(entries.map(\.input)).count > 1 {
            notes.append(
                "The networks see images of different sizes: what they cost is not for the same task.")
        }
        let runs = entries.compactMap(\.run)
        if Set(runs.map(\.task)).count > 1 {
            notes.append("The runs are on different data or classes: accuracies are not for the same task.")
        }
        notes += runs.map { run in
            let others = otherRuns.filter { $0.model == run.model && $0.task != run.task }
            return "\(run.model): accuracy of \(RunFolder.shown(run.path)) on \(run.task), after "
                + "\(run.epochs.counted("epoch"))."
                + others.map { " \(RunFolder.shown($0.path)) is on \($0.task)." }.joined()
        }
        return table.text(gap: 2) + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }
}

extension RunResult {
    /// What it was trained for: runs of another task have accuracies of another meaning.
    fileprivate var task: String {
        "\(data ?? "images it does not name"), \(classes.counted("class", plural: "classes"))"
    }
}
