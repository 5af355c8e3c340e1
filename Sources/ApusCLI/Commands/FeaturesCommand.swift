import ApusAnalysis
import ApusData
import ApusFormats
import ApusNN
import ApusTraining
import Foundation

/// `apus features`: shows what layers make of an image.
struct FeaturesCommand: Command {
    private static let layers = Option<NamePatterns?>(
        "layer", short: "l", "paths", absent: "the first convolution",
        help: "The layers, separated by commas; in a path * stands for any letters, as in 'relu*'.")
    private static let count = Option(
        "count", short: "n", "n", default: 64, .between(1, and: 100_000),
        help: "The most maps of a layer to show.")
    private static let output = Option(
        "output", short: "o", "file", default: "features.png",
        help:
            "Where the sheet goes, as PNG; where there are several layers, one for each, with the layer's path before .png."
    )

    static let specification = CommandSpecification(
        "features", abstract: "Writes pictures of what layers make of an image: their feature maps.",
        operands: [ChosenImages.images],
        groups: [
            OptionGroup("The network", InspectedNetwork.options + InspectedNetwork.normalization),
            OptionGroup("The image", [ChosenImages.data, ChosenImages.index]),
            OptionGroup("The pictures", [layers, count, InspectedNetwork.scale, output]),
        ],
        glossaries: [
            Glossary(
                "Colours",
                [
                    ("black to white", "From zero to the greatest value, by red and yellow."),
                    ("blue to red", "Where a value is negative: zero is white, in the middle."),
                    ("magenta", "Is no number: the network has diverged."),
                    ("a vector", "Is one picture: its features row after row."),
                ])
        ],
        examples: [
            Example(
                "features --checkpoint runs/lenet5 --index 3 --layer 'relu*'",
                "What the ReLUs make of a test image of the data it was trained on."),
            Example(
                "features cat.jpg --checkpoint runs/photos --layer features.3", "The maps of a Fire module."),
        ])

    let network: InspectedNetwork
    let image: ChosenImages
    let layers: [NamePattern]?
    let count: Int
    let scale: LayerMaps.Scale
    let output: URL

    init(_ arguments: ParsedArguments) throws {
        network = try InspectedNetwork(arguments)
        image = try ChosenImages(arguments)
        layers = arguments[Self.layers]?.patterns
        count = arguments[Self.count]
        scale = arguments[InspectedNetwork.scale]
        output = URL(fileURLWithPath: arguments[Self.output])
    }

    func run(on console: Console) throws -> ExitCode {
        let font = try Font.standard()
        let (classifier, checkpoint) = try network.read()
        let input = classifier.network.input
        let layers = try classifier.network.layers(
            matching: self.layers ?? [classifier.network.defaultPattern]
        ).map(\.path)
        func file(of layer: String) -> URL { layers.count == 1 ? output : output.marked(layer) }
        let files = layers.map(file)
        for file in files { try file.checkReplacesNone(of: network.files()) }
        var failure: (any Error)?
        let images = try image.load(
            atLeast: ImageSize(height: input.height, width: input.width), most: 1,
            checkpoint: checkpoint, outputs: files
        ) { failure = $0 }
        if let failure { throw failure }
        guard let image = images.first else { return .failure }
        let maps = try classifier.featureMaps(of: image.image, layers: layers.map { NamePattern($0) })
        for map in maps {
            let file = file(of: map.layer)
            try ImageSheet(map, scale: scale, count: count).image(font: font).writePNG(to: file)
            let broken = map.notFinite == 0 ? "" : ", \(map.notFinite.counted("value")) not finite"
            console.write(
                "\(map.layer): \(map.kind), \(map.shape), of \(image.shortTitle)\(broken), in \(RunFolder.shown(file.path))\n"
            )
        }
        console.write(classifier.preprocessing.text + "\n")
        return .success
    }
}

extension Network {
    /// The first convolution, or where there is none the first layer.
    fileprivate var defaultPattern: NamePattern {
        NamePattern((convolutions.first ?? namedLayers.first)?.path ?? "*")
    }
}

extension URL {
    /// The same file with a word before its extension.
    fileprivate func marked(_ word: String) -> URL {
        let name = deletingPathExtension().lastPathComponent + "-" + word.replacing("/", with: "_")
        let folder = deletingLastPathComponent()
        return folder.appending(path: pathExtension.isEmpty ? name : "\(name).\(pathExtension)")
    }
}
