import ApusData
import ApusKernels
import ApusTraining
import Foundation

/// `apus report`: writes the page of a run anew.
struct ReportCommand: Command {
    private static let folder = Operand("run", help: "The folder of a run, or a checkpoint of one.")
    private static let output = Option<String?>(
        "output", short: "o", "file", absent: "report.html in the run's folder", help: "Where the page goes.")

    static let specification = CommandSpecification(
        "report", abstract: "Writes a page about a run: curves, confusions, worst mistakes, settings.",
        operands: [folder], options: [output, CommonOptions.strict, CommonOptions.threads],
        examples: [
            Example(
                "report runs/lenet5", "The page of a run, after its last checkpoint: runs/lenet5/report.html."
            ),
            Example(
                "report runs/lenet5/checkpoint-best.apus -o best.html",
                "The page after the epoch that tested best."),
        ])

    let path: String
    let output: String?
    let isStrict: Bool
    let threads: Int?

    init(_ arguments: ParsedArguments) throws {
        path = arguments[Self.folder]
        output = arguments[Self.output]
        if let output, !["html", "htm"].contains(URL(fileURLWithPath: output).pathExtension.lowercased()) {
            throw UsageError.other("\(Self.output.spelling) must be a file .html, found '\(output)'")
        }
        isStrict = arguments[CommonOptions.strict]
        threads = arguments[CommonOptions.threads]
    }

    func run(on console: Console) throws -> ExitCode {
        let checkpoint = try Checkpoint(contentsOf: try RunFolder.checkpoint(at: URL(fileURLWithPath: path)))
        let shown = RunFolder.shown(checkpoint.path)
        guard let texts = checkpoint.settings, let progress = checkpoint.progress else {
            throw CommandError("\(shown) holds a network, but no run of training to report on")
        }
        let settings = try TrainSettings(texts: texts, in: TrainCommand.specification)
        let classifier = try checkpoint.classifier(backend: settings.backend)
        let folder = RunFolder(at: URL(fileURLWithPath: checkpoint.path).deletingLastPathComponent())
        guard output != nil || checkpoint.path == folder.checkpoint.path else {
            throw CommandError("\(shown) is not the last checkpoint of a run: name the page with --output")
        }
        let test = try settings.data.loadTest(isStrict: isStrict)
        CommonOptions.remark(onThreads: threads, to: console)
        let outcome = try classifier.test(test, threads: threads)
        let history = checkpoint.history
        let epochs = settings.configuration.epochs
        let report = try RunReport(
            classifier, history: history, epochs: epochs,
            isComplete: progress.epoch == epochs || settings.run.earlyStopping?.ends(history) ?? false,
            outcome: outcome, test: test, batchSize: settings.configuration.batchSize,
            description: RunDescription(
                settings, classifier, train: nil, test: test, threads: threads ?? Machine.usableThreads,
                folder: folder, program: console.programName))
        let page = output.map { URL(fileURLWithPath: $0) } ?? folder.report
        try report.write(to: page)
        console.write("\(shown): \(progress.place), in \(RunFolder.shown(page.path))\n")
        return .success
    }
}
