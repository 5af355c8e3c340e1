import ApusAnalysis
import ApusData
import ApusFormats
import ApusTraining
import Foundation

/// `apus preview`: shows what training will see of some images.
struct PreviewCommand: Command {
    private static let augment = Option<String?>(
        CommonOptions.augment.name, short: "a", "transforms", absent: "none",
        help: "What is done to images, one after the other, separated by commas.")
    private static let imageSize = Option<ImageSize?>(
        TrainSettings.imageSize.name, "HxW", absent: "as they are",
        help: "Bring images to this height and width first, as the training of a network would.")
    private static let output = Option(
        "output", short: "o", "file", default: "preview.png", help: "Where the sheet goes, as PNG.")
    private static let images = Option(
        "images", "n", default: 8, .between(1, and: 100),
        help: "Images to show, a row for each: of different classes, as long as there are any.")
    private static let count = Option(
        "count", short: "n", "n", default: 8, .between(1, and: 50),
        help: "Variants of each: those of the first epochs of a run of this seed.")

    private static let transforms = Glossary(
        "Transforms (S is a size: a number, or height and width such as 64x48)",
        Augmentation.explanation.map { ($0.usage, $0.meaning + ".") } + [
            (
                "...:fill=X",
                "Behind what moves pixels: what comes from outside, from 0 (black), the default, to 1."
            ),
            (
                "A,B,...",
                "What turns, moves, scales and shears side by side is done at once, and so are changes of colour."
            ),
        ])

    static let specification = CommandSpecification(
        "preview", abstract: "Writes a picture of training images, and of what random changes make of them.",
        options: [
            TrainSettings.data, augment, imageSize, output, images, count, TrainSettings.seed,
        ],
        glossaries: [transforms],
        examples: [
            Example(
                "preview --augment rotate=10,shift=0.1,flip --output sheet.png",
                "Each row is an image of Fashion-MNIST, and what eight epochs see of it."),
            Example(
                "preview --data mnist=DIR --augment elastic --images 10 --count 5", "Distorted digits."),
        ])

    let data: DatasetSpecification
    let augmentation: Augmentation
    let imageSize: ImageSize?
    let output: URL
    let images: Int
    let count: Int
    let seed: UInt64

    init(_ arguments: ParsedArguments) throws {
        data = try TrainSettings.data.reading {
            try DatasetSpecification(parsing: arguments[TrainSettings.data])
        }
        augmentation = try CommonOptions.augmentation(arguments) ?? Augmentation()
        imageSize = arguments[Self.imageSize]
        output = URL(fileURLWithPath: arguments[Self.output])
        images = arguments[Self.images]
        count = arguments[Self.count]
        seed = arguments[TrainSettings.seed]
    }

    func run(on console: Console) throws -> ExitCode {
        // Nothing is normalised here.
        let train = try data.load(normalization: .symmetric(channels: 1)).train
        var chain: Augmentation
        do {
            chain = try augmentation.prepared(for: train)
        } catch let error as TransformError {
            throw CommandError("\(CommonOptions.augment.spelling): \(error)")
        }
        if let imageSize { chain.transforms.append(Resize(imageSize)) }
        let rows = try Self.indices(images, of: train).map { index in
            let original = try train.image(index, atLeast: nil)
            let variants = try (0..<count).map { epoch in
                try chain.variant(of: index, in: train, seed: seed, epoch: epoch)
            }
            return ImageSheet.Row(
                title: train.classNames[train.label(of: index)],
                ([original] + variants).map { ImageSheet.Cell($0) })
        }
        var sheet = ImageSheet(rows)
        sheet.isFirstColumnApart = true
        try sheet.image(font: .standard()).writePNG(to: output)
        let shown = "\(augmentation)".isEmpty ? "" : " by \(augmentation)"
        console.write(
            "\(rows.count.counted("image")) of \(data), each as it is and in "
                + "\(count.counted("variant"))\(shown), in \(RunFolder.shown(output.path))\n")
        return .success
    }

    /// The first image of each class, then the second, and so on.
    private static func indices(_ count: Int, of data: any Dataset) -> [Int] {
        var seen = [Int](repeating: 0, count: data.classNames.count)
        var places: [(turn: Int, label: Int, index: Int)] = []
        for index in 0..<data.count {
            let label = data.label(of: index)
            if seen[label] < count { places.append((seen[label], label, index)) }
            seen[label] += 1
        }
        return places.sorted { ($0.turn, $0.label) < ($1.turn, $1.label) }.prefix(count).map(\.index)
    }
}
