import ApusAnalysis
import ApusFormats
import ApusNN
import ApusTraining
import Foundation

/// `apus filters`: shows the filters of a convolution.
struct FiltersCommand: Command {
    private static let layer = Option<String?>(
        "layer", short: "l", "path", absent: "the first convolution", help: "The convolution, such as conv2.")
    private static let output = Option(
        "output", short: "o", "file", default: "filters.png", help: "Where the sheet goes, as PNG.")

    static let specification = CommandSpecification(
        "filters", abstract: "Writes a picture of what a convolution looks for: its filters.",
        groups: [
            OptionGroup("The network", InspectedNetwork.options),
            OptionGroup("The picture", [layer, InspectedNetwork.scale, output]),
        ],
        glossaries: [
            Glossary(
                "Pictures",
                [
                    ("grey or colour", "Of a filter that sees 1 or 3 channels: as the images it looks at."),
                    (
                        "mosaic",
                        "Of filters that see more: a row for each filter, and in it a map for each channel it sees."
                    ),
                    (
                        "zero",
                        "Is the middle grey; the greatest weight, of all filters or of each, is black or white."
                    ),
                ])
        ],
        examples: [
            Example("filters --checkpoint runs/lenet5 --output conv1.png", "The first layer of a run."),
            Example(
                "filters -m squeezenet1_1 -w squeezenet1_1.pth --scale each",
                "The 64 filters in colour of PyTorch's weights, each in full contrast."),
        ])

    let network: InspectedNetwork
    let layer: String?
    let scale: FilterPictures.Scale
    let output: URL

    init(_ arguments: ParsedArguments) throws {
        network = try InspectedNetwork(arguments)
        layer = arguments[Self.layer]
        scale = arguments[InspectedNetwork.scale]
        output = URL(fileURLWithPath: arguments[Self.output])
    }

    func run(on console: Console) throws -> ExitCode {
        let font = try Font.standard()
        try output.checkReplacesNone(of: network.files())
        let filters = try network.read().classifier.network.filters(ofLayer: layer, scale: scale)
        try ImageSheet(filters, scale: scale).image(font: font).writePNG(to: output)
        let shape = filters.shape
        let seen = shape[1].counted("channel")
        console.write(
            "\(filters.name) of \(network.title): \(shape[0].counted("filter")) of \(shape[2])x\(shape[3]) on \(seen), "
                + "\(scale.words), in "
                + "\(RunFolder.shown(output.path))\n")
        return .success
    }
}
