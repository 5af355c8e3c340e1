import ApusFormats
import ApusKernels
import Foundation

/// `apus run`: runs a network on a batch from a file.
struct RunCommand: Command {
    private static let weights = Option<String>(
        required: "weights", short: "w", "path",
        help: "The parameters, under PyTorch's names: \(TensorSource.kinds).")
    private static let input = Option<String>(
        required: "input", short: "i", "file",
        help:
            "The batch: a tensor 'input', float32 [images, channels, height, width], resized, normalised and, if the "
            + "network was trained so, whitened, and perhaps 'labels', whole numbers [images].")
    private static let output = Option<String>(
        required: "output", short: "o", "file",
        help: "Where 'logits' [images, classes] go and, for labels, 'loss' [1], the mean cross-entropy.")
    private static let gradients = Flag(
        "gradients", short: "g",
        help: "Write the loss's gradients too: 'grad.NAME' of each parameter, and 'grad.input'.")
    private static let activations = Flag(
        "activations", short: "a",
        help: "Write each layer's output too: 'act.LAYER', [images, channels, height, width] or "
            + "[images, features].")
    private static let training = Flag(
        "training", help: "Run as a step of training does: dropout drops.")
    private static let seed = Option<UInt64>(
        "seed", short: "s", "n", default: 1, help: "Start of dropout's random numbers.")

    static let specification = CommandSpecification(
        "run", abstract: "Runs a network on a batch of a file: outputs, loss, gradients, activations.",
        groups: [
            OptionGroup("The network", [weights, NetworkChoice.model, NetworkChoice.classes]),
            OptionGroup(
                "The batch",
                [
                    input, output, gradients, activations, training, seed, CommonOptions.backend,
                    CommonOptions.threads,
                ]),
        ],
        examples: [
            Example(
                "run --model lenet5 --weights lenet5.pt --input batch.npz --output out.npz",
                "The outputs for PyTorch's weights."),
            Example(
                "run -w runs/lenet5 -i batch.safetensors -o out.safetensors --gradients",
                "Outputs and gradients of a network that was trained here."),
        ])

    let weights: String
    let choice: NetworkChoice
    let input: String
    let output: TensorTarget
    let computesGradients: Bool
    let recordsActivations: Bool
    let isTraining: Bool
    let seed: UInt64
    let backend: Backend
    let threads: Int?

    init(_ arguments: ParsedArguments) throws {
        weights = arguments[Self.weights]
        choice = NetworkChoice(arguments)
        input = arguments[Self.input]
        output = TensorTarget(arguments[Self.output])
        computesGradients = arguments[Self.gradients]
        recordsActivations = arguments[Self.activations]
        isTraining = arguments[Self.training]
        seed = arguments[Self.seed]
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        guard isTraining || !arguments.contains(Self.seed) else {
            throw UsageError.other(
                "\(Self.seed.spelling) is for dropout, which \(Self.training.spelling) turns on")
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let source = try TensorSource(weights)
        try output.checkFormat()
        try output.checkReplacesNone(of: [source.url, URL(fileURLWithPath: input)])
        let model = try choice.model(for: source)
        let batch = try BatchFile(input)
        try batch.checkLabels(classes: model.classes)
        guard !computesGradients || batch.labels != nil else {
            throw CommandError("\(Self.gradients.spelling) needs a loss: \(input) has no tensor 'labels'")
        }
        // The logits, the loss, and what else was asked for.
        try output.checkFormat(
            count: 1 + (batch.labels == nil ? 0 : 1) + (computesGradients || recordsActivations ? 1 : 0))
        // An observer sees nothing of a layer whose ReLU is computed with it.
        let network = try choice.network(
            of: model, input: batch.shape, weights: source, backend: backend,
            fusesActivations: !recordsActivations)
        CommonOptions.remark(onThreads: threads, to: console)
        let run = NetworkRun(
            network: network, batch: batch, computesGradients: computesGradients,
            recordsActivations: recordsActivations, phase: isTraining ? .training : .evaluation, seed: seed,
            threads: threads)
        let tensors = try run.tensors()
        try output.write(TensorFile(tensors))
        console.write(
            "\(model.variantName) on \(batch.count.counted("image")) of \(batch.shape): "
                + "\(tensors.count.counted("tensor")) in \(output.shownPath)\n")
        return .success
    }
}
