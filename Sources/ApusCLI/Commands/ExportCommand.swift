import ApusModels
import ApusTraining
import Foundation

/// `apus export`: writes a trained network for use elsewhere.
struct ExportCommand: Command {
    private static let output = Option(
        "output", short: "o", "file", default: "model.safetensors",
        help:
            "Where the parameters go: safetensors, under PyTorch's names and in its layout. The card goes to a "
            + ".json file beside it, and into its metadata.")

    static let specification = CommandSpecification(
        "export",
        abstract: "Writes a trained network as safetensors, with a card in JSON of what it takes to use it.",
        options: [CommonOptions.checkpoint, output],
        glossaries: [
            Glossary(
                "The card",
                [
                    ("model", "The network's name."),
                    ("classes", "The classes, in the order of the outputs, which are logits."),
                    (
                        "preprocessing",
                        "How an image becomes the input: size, colours, normalisation, whitening."
                    ),
                    ("parameters, multiplyAdds", "What it costs."),
                    ("metrics", "Losses and accuracies at the epoch whose parameters these are."),
                    ("pytorch", "Lines of Python that load it, for a network that a line makes there."),
                ]),
            Glossary(
                "Whitening",
                [
                    (
                        "NAME.whitening.safetensors",
                        "Where images are whitened: the tensors mean and matrix, beside the parameters."
                    )
                ]),
        ],
        examples: [
            Example("export --checkpoint runs/lenet5", "model.safetensors and model.json, of a run."),
            Example(
                "export -c runs/lenet5/checkpoint-best.apus -o lenet5.safetensors",
                "The network that tested best; 'apus train --weights' and 'apus run --weights' read it too."),
        ])

    let checkpoint: String
    let output: TensorTarget

    init(_ arguments: ParsedArguments) throws {
        checkpoint = arguments[CommonOptions.checkpoint]
        output = TensorTarget(arguments[Self.output])
        guard output.url.pathExtension.lowercased() == "safetensors" else {
            throw UsageError.other(
                "\(Self.output.spelling) must be a file .safetensors, found '\(output.shownPath)'; "
                    + "'apus convert' writes other formats")
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let url = try RunFolder.checkpoint(at: URL(fileURLWithPath: checkpoint))
        let file = try Checkpoint(contentsOf: url)
        try output.checkReplacesNone(of: [url])
        let classifier = try file.classifier()
        let card = try classifier.export(to: output.url, card: file.card(of: classifier))
        console.write(
            "\(FactoredName(classifier.modelName).title), \(classifier.network.parameterCount.grouped) parameters, in "
                + "\(output.shownPath); its card in \(RunFolder.shown(card.path))\n")
        return .success
    }
}
