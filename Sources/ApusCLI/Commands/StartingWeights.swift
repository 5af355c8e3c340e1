import ApusModels
import ApusNN
import ApusTraining
import Foundation

/// What a network takes over from the file of `--weights`.
struct StartingWeights {
    private let path: String
    private let report: WeightsReport
    private let parameterCount: Int
    /// Frozen parameters that the file does not set, which therefore stay random.
    private let frozenAtRandom: [String]
    /// What training keeps of the weights, where they come from a compressed network.
    let constraints: WeightConstraints

    /// The arguments of `apus train`, with the model of the checkpoint that they start from, if they name no other.
    ///
    /// - Throws: What reading the file throws; `CheckpointError` where the catalogue does not know its model.
    static func completing(_ arguments: ParsedArguments) throws -> ParsedArguments {
        // A pipe gives its bytes a single time, and they are needed later.
        guard let path = arguments[TrainSettings.weights], !arguments.contains(CommonOptions.model),
            let url = try? RunFolder.checkpoint(at: URL(fileURLWithPath: path)).resolvingSymlinksInPath(),
            (try? url.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true,
            let checkpoint = try TensorSource(path).checkpoint
        else { return arguments }
        return try arguments.completed(with: [
            CommonOptions.model.name: ModelName(try checkpoint.model()).argument
        ])
    }

    /// Sets the parameters of `network` for which the file has tensors that fit.
    ///
    /// - Throws: `WeightsError` where none does, or what reading the file throws.
    init(_ path: String, for network: Network) throws {
        let source = try TensorSource(path)
        self.path = source.shownPath
        report = try network.loadFitting(source.file, named: source.shownPath)
        parameterCount = network.parameters.count
        let loaded = Set(report.loaded)
        constraints =
            source.checkpoint?.constraints.filter(loaded.contains) ?? WeightConstraints()
        frozenAtRandom = network.parameters.filter { $0.isFrozen && !loaded.contains($0.name) }.map(\.name)
    }

    /// How many parameters were set, and which tensors and parameters were left, and why.
    var lines: [String] {
        let unknown = report.skipped.filter { $0.reason == .noParameter }
        let others = report.skipped.filter { $0.reason != .noParameter }
        let lists = [
            ("left out", others.map { "\($0.name) (\($0.reason))" }),
            ("left out, since no parameter has the name", unknown.map(\.name)),
            ("not in the file", report.missing),
            ("frozen, and yet random", frozenAtRandom),
            ("zeros stay in", constraints.pruned),
            ("shared weights stay shared in", constraints.shared),
        ]
        return ["\(path): sets \(report.loaded.count) of \(parameterCount.counted("parameter"))"]
            + lists.filter { !$0.1.isEmpty }.map { "\($0): \($1.listed)" }
    }
}

extension [String] {
    /// The first few, and how many more there are.
    var listed: String {
        let most = 6
        let rest = count > most ? " and \((count - most).grouped) more" : ""
        return prefix(most).joined(separator: ", ") + rest
    }
}
