import ApusAnalysis
import ApusData
import ApusFormats
import ApusKernels
import ApusTraining
import Foundation

/// `apus explain`: shows where in an image a network sees a class.
struct ExplainCommand: Command {
    private static let target = Option<String?>(
        "class", "class", absent: "the most probable one of each image",
        help: "The class to explain, by its name, or its number from 0 on.")
    private static let output = Option(
        "output", short: "o", "file", default: "explanation.png", help: "Where the picture goes, as PNG.")
    private static let values = Option<String?>(
        "values", "file",
        help:
            "Write the numbers too, as .npz or .safetensors: 'maps' and 'maps.resized' to the network's input, "
            + "[images, height, width]; 'input' [images, channels, height, width], what the network saw; 'classes' and "
            + "'scores' [images], what was explained and its logit; 'probabilities' [images, classes].")

    static let specification = CommandSpecification(
        "explain", abstract: "Shows where in an image a network sees a class, as a map over the image.",
        operands: [ChosenImages.images],
        groups: [
            OptionGroup(
                "The network and the images",
                [
                    CommonOptions.checkpoint, ChosenImages.data, ChosenImages.index, CommonOptions.backend,
                    CommonOptions.threads,
                ]),
            OptionGroup("The explanation", [target] + ExplanationSettings.options),
            OptionGroup("Output", [output, values]),
        ],
        glossaries: [ExplanationSettings.glossary],
        examples: [
            Example(
                "explain --checkpoint runs/lenet5 --index 0-3 --layer conv2",
                "Four test images of the data that a network was trained on."),
            Example(
                "explain -c runs/photos cat.jpg --class dog --method occlusion -o dog.png",
                "What speaks for the dog in the picture of a cat."),
        ])

    /// More images are no picture any more.
    private static let mostImages = 100
    /// Classes that are named for each image.
    private static let namedClasses = 3

    let checkpoint: String
    let images: ChosenImages
    let target: String?
    let method: any ExplanationMethod
    let output: URL
    let values: TensorTarget?
    let backend: Backend
    let threads: Int?

    init(_ arguments: ParsedArguments) throws {
        checkpoint = arguments[CommonOptions.checkpoint]
        images = try ChosenImages(arguments)
        target = arguments[Self.target]
        method = try ExplanationSettings(arguments).method
        output = URL(fileURLWithPath: arguments[Self.output])
        values = arguments[Self.values].map { TensorTarget($0) }
        if let values, values.url.isSameFile(as: output) {
            throw UsageError.other("\(Self.output.spelling) and \(Self.values.spelling) name the same file")
        }
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
    }

    private var outputs: [URL] { [output] + (values.map { [$0.url] } ?? []) }

    func run(on console: Console) throws -> ExitCode {
        let file = try RunFolder.checkpoint(at: URL(fileURLWithPath: checkpoint))
        for output in outputs { try output.checkReplacesNone(of: [file]) }
        let checkpoint = try Checkpoint(contentsOf: file)
        let explainer = try Explainer(checkpoint.classifier(backend: backend), threads: threads)
        let classIndex = try target.map(explainer.classIndex)
        _ = try method.layer(in: explainer.network)
        try values?.checkFormat(count: ExplanationTensors.count)
        var status = ExitCode.success
        let input = explainer.network.input
        let chosen = try images.load(
            atLeast: ImageSize(height: input.height, width: input.width), most: Self.mostImages,
            checkpoint: checkpoint, outputs: outputs
        ) { error in
            status = .failure
            console.complain("\(console.programName): error: \("\(error)".printable)\n")
        }
        guard !chosen.isEmpty else { return .failure }
        let tensors = ExplanationTensors(explainer)
        CommonOptions.remark(onThreads: threads, to: console)
        let explanations = try explainer.explain(chosen.map(\.image), by: method, classIndex: classIndex)
        let sheet = ExplanationSheet(
            zip(chosen, explanations).map { image, explanation in
                ExplanationSheet.Entry(
                    title: image.shortTitle, image: image.image, explanation: explanation)
            })
        try sheet.image(font: .standard()).writePNG(to: output)
        try values?.write(tensors.file(of: explanations, images: chosen.map(\.image)))
        console.write(table(of: explanations, chosen))
        return status
    }

    private func table(of explanations: [Explanation], _ chosen: [ChosenImages.Image]) -> String {
        let hasLabels = chosen.contains { $0.label != nil }
        var table = TextTable([.left] + (hasLabels ? [.left] : []) + [.left, .right, .left])
        table.add(["image"] + (hasLabels ? ["label"] : []) + ["explained", "probability", "most probable"])
        table.addRule()
        for (explanation, image) in zip(explanations, chosen) {
            let best = explanation.prediction.best(Self.namedClasses).map {
                "\(explanation.classNames[$0]) \(Double(explanation.prediction.probabilities[$0]).decimals(4))"
            }
            table.add(
                [image.title] + (hasLabels ? [image.label ?? ""] : []) + [
                    explanation.className, Double(explanation.probability).decimals(4),
                    best.joined(separator: ", "),
                ])
        }
        let title = explanations[0].title
        let files = outputs.map { RunFolder.shown($0.path) }
        return table.text() + "\n\(explanations.count.counted("image")) explained by \(title), in "
            + files.joined(separator: " and ") + "\n"
    }
}
