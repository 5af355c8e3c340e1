import ApusAnalysis
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation

/// `apus profile`: shows where the time of a network's steps goes.
struct ProfileCommand: Command {
    private static let batchSize = CommonOptions.batchSize(default: 64, help: "Images of a step.")
    private static let steps = Option<Int?>(
        "steps", "n", absent: "as many as two seconds take, at least 3", .between(1, and: 1_000_000),
        help: "Steps to measure, after a few that warm up.")
    private static let inference = Flag(
        "inference", help: "Measure outputs alone, in place of steps of training.")
    private static let roofline = Flag(
        "roofline",
        help:
            "Show what each layer costs, and the least time that this takes by the machine's roofs, measured now, beside "
            + "the time it took.")

    static let specification = CommandSpecification(
        "profile",
        abstract: "Shows where the time of a step goes: layer by layer, and as a share of the roof.",
        options: [
            CommonOptions.model, batchSize, CommonOptions.input, NetworkDesign.classes, steps, inference,
            roofline, CommonOptions.backend, CommonOptions.threads, CommonOptions.json,
        ],
        examples: [
            Example("profile --model lenet5 --threads 1", "A step of LeNet-5 on one thread."),
            Example(
                "profile -m squeezenet1_1 -b 16 --roofline",
                "Parameters, operations and bytes of each layer, and predicted and measured times."),
            Example(
                "profile -m squeezenet1_1 -b 32 --inference --json", "SqueezeNet's outputs, for programs."),
        ])

    let design: NetworkDesign
    let batchSize: Int
    let steps: Int?
    let isTraining: Bool
    let showsRoofline: Bool
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        design = try NetworkDesign(arguments)
        batchSize = arguments[Self.batchSize]
        steps = arguments[Self.steps]
        isTraining = !arguments[Self.inference]
        showsRoofline = arguments[Self.roofline]
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let network = try design.network()
        CommonOptions.remark(onThreads: threads, to: console)
        let run = ProfileRun(
            network, of: design.model, batchSize: batchSize, threads: threads, isTraining: isTraining,
            steps: steps)
        let report = try design.built { try run.report() }
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(report), as: UTF8.self) + "\n")
        } else {
            console.write(
                "\(design.title)\n"
                    + report.text(columns: min(console.columns, 100), showsRoofline: showsRoofline))
        }
        return .success
    }
}
