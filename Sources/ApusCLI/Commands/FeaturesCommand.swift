import ApusAnalysis
import ApusData
import ApusFormats
import ApusNN
import ApusTraining
import Foundation

/// `apus features`: shows what layers make of an image.
struct FeaturesCommand: Command {
    private static let image = Operand(
        "image", isOptional: true, help: "A JPEG or PNG file of any size, in place of an image of a dataset.")
    private static let index = Option<Int?>(
        "index", "n", absent: "0", .atLeast(0), help: "The test image of the dataset, from 0.")
    private static let layers = Option<String?>(
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
        operands: [image],
        groups: [
            OptionGroup("The network", InspectedNetwork.options),
            OptionGroup("The image", [InspectedNetwork.dataOption, index]),
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
                "features cat.jpg -m squeezenet1_1 -w squeezenet1_1.pth --layer features.3",
                "The maps of a Fire module."),
        ])

    let network: InspectedNetwork
    let image: String?
    let index: Int?
    let layers: [NamePattern]?
    let count: Int
    let scale: FeatureMaps.Scale
    let output: URL

    init(_ arguments: ParsedArguments) throws {
        network = try InspectedNetwork(arguments, hasImages: false)
        image = arguments.all(Self.image).first
        index = arguments[Self.index]
        layers = arguments[Self.layers].map { $0.split(separator: ",").map { NamePattern(String($0)) } }
        count = arguments[Self.count]
        scale = arguments[InspectedNetwork.scale]
        output = URL(fileURLWithPath: arguments[Self.output])
        guard image == nil || (index == nil && network.data == nil) else {
            throw UsageError.other(
                "\(Self.image.spelling) is a file: \(InspectedNetwork.dataOption.spelling) and \(Self.index.spelling) are "
                    + "for an image of a dataset")
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let font = try Font.standard()
        let (classifier, image, title) = try source()
        let layers = self.layers ?? [classifier.network.defaultPattern]
        let maps = try classifier.featureMaps(of: image, layers: layers)
        for map in maps {
            let file = maps.count == 1 ? output : output.marked(map.layer)
            try ImageSheet(map, scale: scale, count: count).image(font: font).writePNG(to: file)
            let broken = map.notFinite == 0 ? "" : ", \(map.notFinite.counted("value")) not finite"
            console.write(
                "\(map.layer): \(map.kind), \(map.shape), of \(title)\(broken), in \(RunFolder.shown(file.path))\n"
            )
        }
        return .success
    }

    /// The image and what it is called.
    private func source() throws -> (Classifier, PixelImage, title: String) {
        if let image {
            let classifier = try network.classifier()
            return (classifier, try PixelImage(contentsOf: URL(fileURLWithPath: image)), image)
        }
        let (classifier, images, data) = try network.withTestImages()
        let index = index ?? 0
        guard index < images.count else {
            throw CommandError(
                "\(data) has \(images.count.counted("test image")), found \(Self.index.spelling) \(index)")
        }
        let name = images.classNames[images.label(of: index)]
        return (classifier, try images.image(index), "test image \(index) (\(name)) of \(data)")
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
