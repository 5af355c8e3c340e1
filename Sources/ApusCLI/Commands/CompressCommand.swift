import ApusData
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation

/// `apus compress`: makes a trained network smaller.
struct CompressCommand: Command {
    private static let output = Option<String>(
        required: "output", short: "o", "file", help: "Where the compressed network goes: a checkpoint.")
    private static let layers = Option<NamePatterns?>(
        "layers", "names", absent: "all with weights",
        help: "Which layers: paths or patterns, separated by commas, as in 'fc*,conv2'.")
    private static let energy = Option<Double?>(
        "energy", "x", .between(0.01, and: 1),
        help:
            "Factor each layer at the least rank that keeps this share of its weight's squared singular values, "
            + "where its factors cost less than it.")
    private static let rank = Option<LayerRanks?>(
        "rank", "layer=n,..", help: "Factor these layers at these ranks, whatever the energy and cost.")
    private static let sparsity = Option<Double?>(
        "sparsity", "x", .from(0, below: 1),
        help: "Set this share of each layer's weights to zero, those of the smallest magnitude.")
    private static let global = Flag(
        "global", help: "Of the weights of all layers together, and not of each: some layers then lose more.")
    private static let bits = Option<Int?>(
        "bits", "n", .between(1, and: 8),
        help: "Give each layer's nonzero weights 2^n values, by k-means; after --sparsity, if both are given."
    )
    private static let data = Option<String?>(
        "data", short: "d", "dataset", absent: "the data it was trained on, if the checkpoint says it",
        help: "The images, as in apus train; accuracy is that on the test images.")

    static let specification = CommandSpecification(
        "compress",
        abstract:
            "Makes a trained network smaller: low rank, pruning, shared weights; and says what that costs.",
        groups: [
            OptionGroup("The network", [CommonOptions.checkpoint, output, layers]),
            OptionGroup("Low rank: two thin layers in place of one", [energy, rank]),
            OptionGroup("Deep Compression: weights in fewer bytes", [sparsity, global, bits]),
            OptionGroup(
                "How it is tested",
                [
                    data, CommonOptions.strict, CommonOptions.backend, CommonOptions.threads,
                    CommonOptions.json,
                ]),
        ],
        examples: [
            Example(
                "compress -c runs/lenet5 --energy 0.9 -o small.apus",
                "Layers of less rank, with less arithmetic; accuracy, size and speed before and after."),
            Example(
                "train --weights small.apus --epochs 2 --learning-rate 0.01 -o runs/tuned",
                "What that lost, learned again: the layers stay factored."),
            Example(
                "compress -c runs/lenet5 --rank fc1=20,fc2=16 -o small.apus", "Ranks of one's own choice."),
            Example(
                "compress -c runs/lenet5 --sparsity 0.9 -o sparse.apus",
                "A tenth of the weights is left; training with --weights sparse.apus keeps the zeros."),
            Example(
                "compress -c runs/tuned --bits 5 -o shared.apus",
                "32 values for the weights of each layer, in 5 bits each."),
        ])

    let path: String
    let output: TensorTarget
    let steps: CompressionSteps
    let data: DatasetSpecification?
    let isStrict: Bool
    let backend: Backend
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        path = arguments[CommonOptions.checkpoint]
        output = TensorTarget(arguments[Self.output])
        steps = CompressionSteps(
            layers: arguments[Self.layers]?.patterns ?? [], energy: arguments[Self.energy],
            ranks: arguments[Self.rank], sparsity: arguments[Self.sparsity],
            scope: arguments[Self.global] ? .network : .layer, bits: arguments[Self.bits])
        data = try DatasetSpecification(arguments[Self.data], of: Self.data)
        isStrict = arguments[CommonOptions.strict]
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
        if arguments[Self.global], steps.sparsity == nil {
            throw UsageError.other("\(Self.global.spelling) does not go without \(Self.sparsity.spelling)")
        }
        switch (steps.isLowRank, steps.isSparse) {
        case (false, false):
            throw UsageError.other(
                "one of \(Self.energy.spelling), \(Self.rank.spelling), \(Self.sparsity.spelling) and "
                    + "\(Self.bits.spelling) is required: they say what to do")
        case (true, true):
            throw UsageError.other(
                "low rank does not go with \(Self.sparsity.spelling) and \(Self.bits.spelling) in one go: "
                    + "compress what comes of it again")
        default: break
        }
        if arguments.contains(Self.layers), steps.energy == nil, !steps.isSparse {
            throw UsageError.other(
                "\(Self.layers.spelling) does not go with \(Self.rank.spelling) alone, which names its layers"
            )
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let url = try RunFolder.checkpoint(at: URL(fileURLWithPath: path))
        let checkpoint = try Checkpoint(contentsOf: url)
        try output.check(reading: [url])
        let classifier = try checkpoint.classifier(backend: backend)
        let data = try self.data ?? DatasetSpecification(ofRun: checkpoint)
        let images = try data?.loadTest(isStrict: isStrict)
        CommonOptions.remark(onThreads: threads, to: console)
        let outcome = try steps.compressing(classifier)
        try outcome.classifier.save(to: output.url)
        let report = try CompressionReport(
            checkpoint, classifier, outcome, images: images, data: data, output: output, threads: threads)
        console.write(try writesJSON ? report.json() : report.text(columns: console.tableColumns))
        return .success
    }
}

extension LayerRanks: ArgumentValue {
    package var argument: String { description }

    package init(argument: String) throws(InvalidArgument) {
        do {
            try self.init(parsing: argument)
        } catch {
            throw InvalidArgument(mustBe: "layers with ranks, separated by commas, as in fc1=20,fc2=12")
        }
    }
}

/// What is done to a network, in this order.
struct CompressionSteps {
    let layers: [NamePattern]
    let energy: Double?
    let ranks: LayerRanks?
    let sparsity: Double?
    let scope: Pruning.Scope
    let bits: Int?

    var isLowRank: Bool { energy != nil || ranks != nil }
    var isSparse: Bool { sparsity != nil || bits != nil }

    /// A compressed network, and what each step did to its layers.
    struct Outcome {
        var classifier: Classifier
        var lowRank: LowRankCompression?
        var pruning: Pruning?
        var sharing: WeightSharing?
    }

    func compressing(_ classifier: Classifier) throws -> Outcome {
        var outcome = Outcome(classifier: classifier)
        if isLowRank {
            let step = try LowRankCompression(
                classifier, energy: energy, ranks: ranks ?? LayerRanks(), layers: layers)
            outcome.lowRank = step
            outcome.classifier = step.classifier
        }
        if let sparsity {
            let step = try Pruning(outcome.classifier, sparsity: sparsity, scope: scope, layers: layers)
            outcome.pruning = step
            outcome.classifier = step.classifier
        }
        if let bits {
            let step = try WeightSharing(outcome.classifier, bits: bits, layers: layers)
            outcome.sharing = step
            outcome.classifier = step.classifier
        }
        return outcome
    }
}
