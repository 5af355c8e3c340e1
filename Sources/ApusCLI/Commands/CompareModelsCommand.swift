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
            "A network of the catalogue, or a variant of one; by default \(ModelCatalog.names.joined(separator: ", "))."
    )
    private static let runs = Option<String?>(
        "runs", short: "r", "folders", absent: "none",
        help:
            "Folders of runs, or of folders of runs, separated by commas: the most accurate run of a model says its "
            + "accuracy, and for which images and classes it is built.")
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

    let names: [ModelName]
    let runs: [URL]
    let batchSize: Int
    let steps: Int?
    let chart: URL?
    let axis: CostAxis
    let backend: Backend
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        let given = arguments.all(Self.models)
        let names = try (given.isEmpty ? ModelCatalog.names : given).map(Self.name(of:))
        if let repeated = names.first(where: { name in names.count(where: { $0 == name }) > 1 }) {
            throw UsageError.other("\(repeated.argument) is given more than once")
        }
        self.names = names
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
        let results = try RunResult.runs(at: runs)
        CommonOptions.remark(onThreads: threads, to: console)
        let comparison = try ModelComparison(
            names.map { $0.model() }, batchSize: batchSize, threads: threads, backend: backend, steps: steps,
            runs: results)
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
        notes += entries.compactMap { entry in
            entry.run.map { run in
                "\(entry.model): accuracy of \(RunFolder.shown(run.path)) on \(run.data ?? "images it does not name"), "
                    + "\(run.classes.counted("class", plural: "classes")), after \(run.epochs.counted("epoch"))."
            }
        }
        return table.text(gap: 2) + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }
}
