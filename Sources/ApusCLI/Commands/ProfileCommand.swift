import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation

/// `apus profile`: shows where the time of a network's steps goes.
struct ProfileCommand: Command {
    private static let batchSize = CommonOptions.batchSize(default: 64, help: "Images of a step.")
    private static let classes = CommonOptions.classes(absent: "what the model was designed for")
    private static let steps = Option<Int?>(
        "steps", "n", absent: "as many as two seconds take, at least 3", .between(1, and: 1_000_000),
        help: "Steps to measure, after a few that warm up.")
    private static let inference = Flag(
        "inference", help: "Measure outputs alone, in place of steps of training.")

    static let specification = CommandSpecification(
        "profile",
        abstract: "Shows where the time of a step goes: layer by layer, and as a share of the roof.",
        options: [
            CommonOptions.model, batchSize, CommonOptions.input, classes, steps, inference,
            CommonOptions.backend, CommonOptions.threads, CommonOptions.json,
        ],
        examples: [
            Example("profile --model lenet5 --threads 1", "A step of LeNet-5 on one thread."),
            Example(
                "profile -m squeezenet1_1 -b 32 --inference --json", "SqueezeNet's outputs, for programs."),
        ])

    let model: ModelName
    let batchSize: Int
    let input: Shape?
    let classes: Int?
    let steps: Int?
    let isTraining: Bool
    let backend: Backend
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        model = arguments[CommonOptions.model]
        batchSize = arguments[Self.batchSize]
        input = arguments[CommonOptions.input]
        classes = arguments[Self.classes]
        steps = arguments[Self.steps]
        isTraining = !arguments[Self.inference]
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let kind = model.model(classes: classes)
        let input = input ?? type(of: kind).input
        let network = try model.built(for: "images of \(input)") {
            try Network(kind, input: input, backend: backend)
        }
        CommonOptions.remark(onThreads: threads, to: console)
        let run = ProfileRun(
            network: network, batchSize: batchSize, threads: threads, isTraining: isTraining, steps: steps)
        let report = try model.built(for: "images of \(input)") { try run.report(model: kind) }
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(report), as: UTF8.self) + "\n")
        } else {
            console.write("\(kind.title(input: input))\n" + report.text(columns: min(console.columns, 100)))
        }
        return .success
    }
}
