import ApusAnalysis
import ApusData
import ApusFormats
import ApusNN
import ApusTraining
import Foundation

/// `apus embed`: shows images as points, by the features that a network sees in them.
struct EmbedCommand: Command {
    private static let layer = Option<String?>(
        "layer", short: "l", "path", absent: "the one before the last with parameters",
        help: "The layer whose outputs are the features; of a map each channel's mean.")
    private static let output = Option(
        "output", short: "o", "file", default: "embedding.png", help: "Where the picture goes, as PNG.")
    private static let batchSize = CommonOptions.batchSize(
        default: 64, help: "Images computed at once; results do not depend on it but for rounding.")

    static let specification = CommandSpecification(
        "embed",
        abstract: "Draws images as points, by the two directions in which their features vary most.",
        groups: [
            OptionGroup("The network", InspectedNetwork.options + InspectedNetwork.normalization),
            OptionGroup("The images", InspectedNetwork.dataOptions + [batchSize, CommonOptions.threads]),
            OptionGroup("The picture", [layer, output, CommonOptions.json]),
        ],
        examples: [
            Example(
                "embed --checkpoint runs/lenet5 --images 2000 --output plane.png",
                "Two thousand test images in the colours of their classes."),
            Example(
                "embed -c runs/lenet5 --layer pool1 --json", "The points of an earlier layer, for programs."),
        ])

    let network: InspectedNetwork
    let layer: String?
    let output: URL
    let batchSize: Int
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        network = try InspectedNetwork(arguments)
        layer = arguments[Self.layer]
        output = URL(fileURLWithPath: arguments[Self.output])
        batchSize = arguments[Self.batchSize]
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let font = try Font.standard()
        try output.checkReplacesNone(of: network.files())
        let (classifier, images, data) = try network.withTestImages()
        CommonOptions.remark(onThreads: threads, to: console)
        let embedding = try FeatureEmbedding(
            classifier.features(
                of: images, layer: layer, images: network.images, batchSize: batchSize, threads: threads))
        let title = "\(network.title), \(embedding.layer), \(data)"
        try embedding.plot(title: title).image(font: font).writePNG(to: output)
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(embedding), as: UTF8.self) + "\n")
        } else {
            let shares = embedding.varianceShares.map { "\((100 * $0).decimals(1)) %" }
            let constant =
                embedding.constantFeatures == 0
                ? "" : ", of which \(embedding.constantFeatures) are the same for all images"
            let text =
                "\(embedding.points.count.counted("test image")) of \(data) by the "
                + "\(embedding.features.counted("feature")) of \(embedding.layer)\(constant), in "
                + "\(RunFolder.shown(output.path)). The two directions have \(shares.joined(separator: " and ")) of the "
                + "variance. \(classifier.preprocessing.text)"
            console.write(text.wrapped(columns: min(console.columns, 100)) + "\n")
        }
        return .success
    }
}
