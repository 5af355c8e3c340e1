import ApusData
import ApusFormats
import ApusTraining
import Foundation

/// `apus inspect`: lists what a file of tensors holds.
struct InspectCommand: Command {
    private static let file = Operand("file", help: "What to look into: \(TensorSource.kinds).")

    static let specification = CommandSpecification(
        "inspect", abstract: "Lists the tensors of a file: names, types, shapes, bytes, metadata.",
        operands: [file], options: [CommonOptions.json],
        examples: [
            Example("inspect runs/lenet5", "What the last checkpoint of a run holds."),
            Example("inspect weights.pt --json", "The tensors of PyTorch's weights, as JSON."),
        ])

    let path: String
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        path = arguments[Self.file]
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let contents = FileContents(try TensorSource(path))
        if writesJSON {
            console.write(String(decoding: try JSONEncoder.forLines.encode(contents), as: UTF8.self) + "\n")
        } else {
            console.write(contents.text(columns: console.tableColumns))
        }
        return .success
    }
}

/// What a file of tensors holds, but for the numbers.
private struct FileContents: Encodable {
    struct Tensor: Encodable {
        let name: String
        let type: String
        let shape: [Int]
        let bytes: Int
    }

    /// What a checkpoint says of its network.
    struct Network: Encodable {
        let model: String
        let input: [Int]
        let classNames: [String]
        /// What images are normalised by: of each channel, on the scale of 0 for black to 1.
        let mean: [Double]
        let deviation: [Double]
        /// How the normalised input is whitened, where it is.
        let whitening: Whitening.Summary?
        /// What training keeps of compressed weights.
        let constraints: WeightConstraints
        /// How far training was, where the file holds a run.
        let progress: TrainingProgress?
    }

    let file: String
    let network: Network?
    let tensors: [Tensor]
    /// Numbers in all tensors.
    let elements: Int
    /// Bytes of all tensors.
    let bytes: Int
    let metadata: [String: String]

    init(_ source: TensorSource) {
        let checkpoint = source.checkpoint
        // Of a checkpoint what the optimiser remembers as well.
        let tensors = checkpoint?.fileTensors ?? source.file.tensors
        file = source.shownPath
        network = checkpoint.map {
            Network(
                model: $0.modelName, input: $0.input, classNames: $0.classNames, mean: $0.normalization.mean,
                deviation: $0.normalization.deviation, whitening: $0.whitening,
                constraints: $0.constraints, progress: $0.progress)
        }
        self.tensors = tensors.map {
            Tensor(name: $0.name, type: $0.elementType.rawValue, shape: $0.shape, bytes: $0.bytes.count)
        }
        elements = tensors.reduce(0) { $0 + $1.count }
        bytes = tensors.reduce(0) { $0 + $1.bytes.count }
        metadata = source.file.metadata
    }

    func text(columns: Int) -> String {
        var table = TextTable([.left, .left, .left, .right, .right])
        table.add(["tensor", "type", "shape", "numbers", "bytes"])
        table.addRule()
        for tensor in tensors {
            table.add([
                tensor.name, tensor.type, tensor.shape.shapeText, tensor.shape.reduce(1, *).grouped,
                tensor.bytes.grouped,
            ])
        }
        table.addRule()
        table.add([tensors.count.counted("tensor"), "", "", elements.grouped, bytes.grouped])
        let facts = self.facts.text(columns: columns)
        return file + "\n" + facts + "\n" + table.text(gap: 2)
    }

    /// The checkpoint's, and the file's own words about itself.
    private var facts: FactList {
        var facts = FactList()
        if let network {
            facts.add("model", network.model)
            facts.add("input", network.input.shapeText)
            facts.add(
                "classes", "\(network.classNames.count): \(network.classNames.joined(separator: ", "))")
            facts.add(
                "normalised",
                "by the mean \(network.mean.channelText) and the deviation \(network.deviation.channelText)")
            if let whitening = network.whitening { facts.add("whitened", "by \(whitening.text)") }
            if !network.constraints.pruned.isEmpty { facts.add("pruned", network.constraints.pruned.listed) }
            if !network.constraints.shared.isEmpty { facts.add("shared", network.constraints.shared.listed) }
            facts.add("training", network.progress?.place ?? "no run to go on with")
        }
        for (name, text) in metadata.sorted(by: { $0.key < $1.key }) { facts.add(name, text) }
        return facts
    }
}
