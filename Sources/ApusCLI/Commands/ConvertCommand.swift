import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation

/// `apus convert`: writes the tensors of a file in another format.
struct ConvertCommand: Command {
    private static let source = Operand("in", help: "The tensors: \(TensorSource.kinds).")
    private static let target = Operand(
        "out", help: "Where they go, in the format of its name's ending: .safetensors, .npy, .npz, or .apus.")

    // As `NetworkChoice` has them, but that no checkpoint says which network it is.
    private static let model = Option<ModelName?>(
        NetworkChoice.model.name, short: "m", "name", absent: "none: it must be given",
        help: "The network whose parameters they are.")
    private static let classes = CommonOptions.classes(absent: "what the model was designed for")

    static let specification = CommandSpecification(
        "convert", abstract: "Writes the tensors of a file, or a checkpoint's parameters, in another format.",
        operands: [source, target],
        groups: [OptionGroup("For a checkpoint (.apus)", [model, classes, CommonOptions.input])],
        examples: [
            Example("convert runs/lenet5 lenet5.safetensors", "The parameters of a run, for PyTorch."),
            Example(
                "convert lenet5.pt lenet5.apus --model lenet5",
                "PyTorch's parameters as a checkpoint. Its classes are called 0, 1, 2, ..., and its images "
                    + "are not normalised: black is 0, white is 1."),
        ])

    let source: String
    let target: TensorTarget
    let choice: NetworkChoice
    let input: Shape?

    init(_ arguments: ParsedArguments) throws {
        source = arguments[Self.source]
        target = TensorTarget(arguments[Self.target])
        choice = NetworkChoice(arguments)
        input = arguments[CommonOptions.input]
        guard isCheckpoint || (choice.name == nil && choice.classes == nil && input == nil) else {
            throw UsageError.other(
                "\(Self.model.spelling), \(Self.classes.spelling) and "
                    + "\(CommonOptions.input.spelling) are for checkpoints, whose names end in .apus")
        }
    }

    private var isCheckpoint: Bool { target.url.pathExtension.lowercased() == "apus" }

    func run(on console: Console) throws -> ExitCode {
        let source = try TensorSource(source)
        try target.checkReplacesNone(of: [source.url])
        let remarks = try isCheckpoint ? writeCheckpoint(source) : writeTensors(source)
        for remark in remarks { console.complain("note: \(remark)\n") }
        console.write(
            "\(source.file.tensors.count.counted("tensor")) of \(source.shownPath) in "
                + "\(target.shownPath)\n")
        return .success
    }

    /// Writes the tensors, and says what the new file does not hold: formats differ in that.
    private func writeTensors(_ source: TensorSource) throws -> [String] {
        try target.write(source.file)
        let written = try TensorFile(contentsOf: target.url)
        var remarks: [String] = []
        if source.checkpoint != nil {
            remarks.append(
                "the names of classes, the normalisation and the state of training stay behind: "
                    + "'apus export' writes a card of what is not training's")
        }
        if source.file.metadata != written.metadata { remarks.append(metadataRemark(source)) }
        let pairs = zip(source.file.tensors, written.tensors)
        if let (before, _) = pairs.first(where: { $0.name != $1.name }) {
            remarks.append("the format has no place for the name \(before.name)")
        }
        let retyped = pairs.filter { $0.elementType != $1.elementType }
        if let (before, after) = retyped.first {
            remarks.append(
                "the format has no \(before.elementType.rawValue): \(retyped.count.counted("tensor")) "
                    + "in \(after.elementType.rawValue)")
        }
        return remarks
    }

    private func metadataRemark(_ source: TensorSource) -> String {
        "the format has no place for metadata: \(source.file.metadata.keys.sorted().joined(separator: ", "))"
    }

    /// Writes a checkpoint, and says what the new file does not hold.
    private func writeCheckpoint(_ source: TensorSource) throws -> [String] {
        guard source.checkpoint == nil else {
            throw CommandError("\(source.shownPath) is a checkpoint already: copy it")
        }
        let model = try choice.model(for: source)
        let network = try choice.network(
            of: model, input: input ?? type(of: model).input, weights: source)
        let channels = network.input.channels
        let classifier = try Classifier(
            modelName: model.variantName, network: network, classNames: (0..<model.classes).map(String.init),
            normalization: Normalization(
                mean: [Double](repeating: 0, count: channels),
                deviation: [Double](repeating: 1, count: channels)))
        try classifier.save(to: target.url)
        let rounded = source.file.tensors.filter {
            $0.elementType == .float64 && $0.doubles.contains { Double(Float($0)) != $0 }
        }
        var remarks = source.file.metadata.isEmpty ? [] : [metadataRemark(source)]
        if !rounded.isEmpty {
            remarks.append("a checkpoint has single precision: \(rounded.count.counted("tensor")) rounded")
        }
        return remarks
    }
}
