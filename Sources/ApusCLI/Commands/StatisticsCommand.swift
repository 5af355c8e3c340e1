import ApusAnalysis
import ApusData
import ApusFormats
import ApusTraining
import Foundation

/// `apus statistics`: what the outputs of each layer come to over a dataset.
struct StatisticsCommand: Command {
    private static let batchSize = CommonOptions.batchSize(
        default: 64, help: "Images computed at once; results do not depend on it but for rounding.")

    static let specification = CommandSpecification(
        "statistics",
        abstract: "Shows what each layer puts out over a dataset: mean, deviation, zeros, dead units.",
        groups: [
            OptionGroup("The network", InspectedNetwork.options + InspectedNetwork.normalization),
            OptionGroup(
                "The images",
                InspectedNetwork.dataOptions + [batchSize, CommonOptions.threads, CommonOptions.json]),
        ],
        examples: [
            Example("statistics --checkpoint runs/lenet5", "All test images of the data it was trained on."),
            Example(
                "statistics -m squeezenet1_1 --data folder=photos --images 100 --json",
                "Random weights on a hundred photos, for programs."),
        ])

    let network: InspectedNetwork
    let batchSize: Int
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        network = try InspectedNetwork(arguments)
        batchSize = arguments[Self.batchSize]
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let (classifier, images, data) = try network.withTestImages()
        CommonOptions.remark(onThreads: threads, to: console)
        let statistics = try classifier.activationStatistics(
            of: images, images: network.images, batchSize: batchSize, threads: threads)
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(statistics), as: UTF8.self) + "\n")
        } else {
            console.write(
                "\(network.title) on \(statistics.images.counted("test image")) of \(data)\n\n"
                    + statistics.text(
                        columns: min(console.columns, 100), images: classifier.preprocessing.text))
        }
        return .success
    }
}

extension ActivationStatistics {
    /// - Parameter images: what became of them.
    fileprivate func text(columns: Int, images: String) -> String {
        let hasFaults = layers.contains { $0.notFinite > 0 }
        var table = TextTable(
            [.left, .left, .right, .right, .right, .right, .right, .right] + (hasFaults ? [.right] : []))
        table.add(
            ["layer", "kind", "output", "mean", "deviation", "greatest", "zeros", "dead units"]
                + (hasFaults ? ["not finite"] : []))
        table.addRule()
        for layer in layers {
            let dead = layer.deadUnits.map { "\($0.count.grouped) of \(layer.units.grouped)" }
            table.add(
                [
                    layer.layer, layer.kind, layer.output.shapeText, layer.mean.text, layer.deviation.text,
                    layer.greatest.text, "\((100 * layer.zeroShare).decimals(1)) %", dead ?? "",
                ] + (hasFaults ? [layer.notFinite == 0 ? "" : layer.notFinite.grouped] : []))
        }
        var notes = [
            images,
            "Zeros: the share of outputs that are zero. Dead units: channels or features that are above zero in no "
                + "pixel of any image, counted where no output is negative, as after a ReLU.",
        ]
        let dead = layers.filter { $0.kind == "ReLU" && $0.deadUnits?.isEmpty == false }
        notes += dead.map { layer in
            "Dead in \(layer.layer): \((layer.deadUnits ?? []).map(String.init).listed)."
        }
        if hasFaults {
            notes.append("What is not finite is left out of the other columns: the network has diverged.")
        }
        return table.text(gap: 2) + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }
}

extension Double? {
    fileprivate var text: String { map { $0.digits(3) } ?? "-" }
}
