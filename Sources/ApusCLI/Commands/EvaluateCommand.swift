import ApusData
import ApusKernels
import ApusModels
import ApusTraining
import Foundation

/// `apus evaluate`: tests a trained network.
struct EvaluateCommand: Command {
    private static let data = Option<String?>(
        "data", short: "d", "dataset", absent: "the data it was trained on",
        help: "The images, as in apus train; the test images are used. "
            + "The macro average runs over all classes of the model, those without images included.")
    private static let batchSize = CommonOptions.batchSize(
        default: 256, help: "Images computed at once; results do not depend on it.")

    static let specification = CommandSpecification(
        "evaluate", abstract: "Tests a trained network: accuracy, scores of each class, confusion matrix.",
        options: [
            CommonOptions.checkpoint, data, CommonOptions.strict, batchSize, CommonOptions.backend,
            CommonOptions.threads,
            CommonOptions.json,
        ],
        examples: [
            Example("evaluate --checkpoint runs/lenet5", "The last checkpoint of a run, as a table."),
            Example(
                "evaluate --checkpoint runs/lenet5/checkpoint-best.apus --json",
                "The checkpoint that tested best, as JSON."),
        ])

    let path: String
    let data: DatasetSpecification?
    let isStrict: Bool
    let batchSize: Int
    let backend: Backend
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        path = arguments[CommonOptions.checkpoint]
        data = try DatasetSpecification(arguments[Self.data], of: Self.data)
        isStrict = arguments[CommonOptions.strict]
        batchSize = arguments[Self.batchSize]
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let checkpoint = try Checkpoint(contentsOf: try RunFolder.checkpoint(at: URL(fileURLWithPath: path)))
        let classifier = try checkpoint.classifier(backend: backend)
        let data = try self.data ?? DatasetSpecification(trainedOn: checkpoint, option: Self.data)
        let images = try data.loadTest(isStrict: isStrict)
        if !images.skipped.isEmpty {
            console.complain(
                "note: left out \(images.skipped.count.counted("file")) of no whole image: "
                    + "\(images.skipped.map(\.description).listed)\n")
        }
        CommonOptions.remark(onThreads: threads, to: console)
        let report = try classifier.evaluate(images, batchSize: batchSize, threads: threads)
        if writesJSON {
            console.write(try report.json() + "\n")
        } else {
            let age = checkpoint.progress.map { " " + $0.place } ?? ""
            console.write(
                "\(RunFolder.shown(checkpoint.path)): \(FactoredName(checkpoint.modelName).title)\(age)\n"
                    + "on the \(images.count.counted("test image")) of \(data):\n\n"
                    + report.table(columns: console.tableColumns))
        }
        return .success
    }
}
