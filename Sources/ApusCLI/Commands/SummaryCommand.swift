import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation

/// `apus summary`: shows what a network consists of and costs.
struct SummaryCommand: Command {
    private static let batchSize = CommonOptions.batchSize(default: 64, help: "Images of a step of training.")
    private static let plan = Flag(
        "plan", help: "Show how each layer is computed, and where its output lies, in place of what it costs."
    )

    static let specification = CommandSpecification(
        "summary", abstract: "Shows a network layer by layer: shapes, parameters, operations, memory.",
        options: [
            CommonOptions.model, batchSize, CommonOptions.input, NetworkDesign.classes, plan,
            CommonOptions.backend,
            CommonOptions.threads, CommonOptions.json,
        ],
        examples: [
            Example("summary --model lenet5 --batch-size 64", "What a step of LeNet-5 takes."),
            Example(
                "summary --model squeezenet1_0 --input 224x224x3 --batch-size 32",
                "The table of SqueezeNet's paper."),
            Example("summary --model squeezenet1_1 --plan", "The algorithm of each of its convolutions."),
        ])

    let design: NetworkDesign
    let batchSize: Int
    let showsPlan: Bool
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        design = try NetworkDesign(arguments)
        batchSize = arguments[Self.batchSize]
        showsPlan = arguments[Self.plan]
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let network = try design.network()
        CommonOptions.remark(onThreads: threads, to: console)
        let summary = try network.summary(batchSize: batchSize, threads: threads)
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(summary), as: UTF8.self) + "\n")
        } else {
            let columns = min(console.columns, 100)
            console.write(
                "\(design.title)\n\n"
                    + (showsPlan ? summary.planText(columns: columns) : summary.text(columns: columns)))
        }
        return .success
    }
}

extension LayerSummary {
    /// `28x28x6`.
    var outputText: String { output.map(String.init).joined(separator: "x") }

    /// The path, or what stands for the root's.
    var title: String { path.isEmpty ? "(all)" : path }
}

extension NetworkSummary {
    /// The table, the totals, and what they count.
    fileprivate func text(columns: Int) -> String {
        var table = TextTable([.left, .left, .right, .right, .right, .right, .right])
        table.add(["layer", "kind", "output", "parameters", "MACs", "activations", "scratch"])
        table.addRule()
        for layer in layers {
            table.add([
                layer.title, layer.kind, layer.outputText,
                layer.isContainer && layer.parameters == 0 ? "" : layer.parameters.groupedOrDash,
                layer.isContainer && layer.multiplyAdds == 0 ? "" : layer.multiplyAdds.groupedOrDash,
                layer.activationBytes.bytesOrDash, layer.scratchBytes.bytesOrDash,
            ])
        }
        table.addRule()
        table.add([
            "total", "", "", parameters.grouped, multiplyAdds.grouped, shardActivationBytes.bytes,
            shardScratchBytes.bytes,
        ])
        let notes = [
            "MACs: multiply-adds of a forward pass over one image.",
            "Activations: what one thread keeps from forward to backward for \(shardSize.counted("image")), "
                + "as many as it works on at once. A dash: the output lies over the input, is the "
                + "network's, or is not kept.",
            "Scratch: what one thread needs while it runs the layer, gradients between layers with the "
                + "container that holds them; layers that never run at once share it, so the total is less "
                + "than the sum.",
        ]
        return table.text(gap: 2) + "\n"
            + "A step on \(batchSize.counted("image")) with \(threads.counted("thread")) takes "
            + "\(memory.totalBytes.bytes), without the optimiser's state:\n"
            + memoryFacts.text(columns: columns) + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }

    private var memoryFacts: FactList {
        var facts = FactList()
        facts.add("parameters", memory.parameterBytes.bytes)
        facts.add("gradients", memory.gradientBytes.bytes)
        facts.add("activations", "\(memory.activationBytes.bytes), inputs and outputs included")
        facts.add("scratch", memory.scratchBytes.bytes)
        if memory.preparedBytes > 0 {
            facts.add("prepared", "\(memory.preparedBytes.bytes), weights as their algorithms read them")
        }
        return facts
    }
}

extension Int {
    fileprivate var groupedOrDash: String { self == 0 ? "-" : grouped }
    fileprivate var bytesOrDash: String { self == 0 ? "-" : bytes }
}

extension Shape: ArgumentValue {
    package var argument: String { "\(height)x\(width)x\(channels)" }

    /// Reads `28x28x1`.
    package init(argument: String) throws(InvalidArgument) {
        let extents = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
        guard extents.count == 3, extents.allSatisfy({ 1...65_536 ~= $0 }) else {
            throw InvalidArgument(mustBe: "height, width and channels, such as 28x28x1")
        }
        self.init(height: extents[0], width: extents[1], channels: extents[2])
    }
}
