import ApusModels
import ApusNN
import ApusTraining

/// What a network takes over from the file of `--weights`.
struct StartingWeights {
    private let start: StartingPoint
    private let report: WeightsReport
    private let parameterCount: Int
    /// Frozen parameters that the file does not set, which therefore stay random.
    private let frozenAtRandom: [String]
    /// What training keeps of the weights, where they come from a compressed network.
    let constraints: WeightConstraints

    /// Sets the parameters of `network` for which the file has tensors that fit.
    ///
    /// - Throws: `WeightsError` where none does.
    init(_ start: StartingPoint, for network: Network) throws {
        let source = start.source
        self.start = start
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
            ("taken over too", start.taken),
            ("not taken over, since it is of another model", start.left),
            ("left out", others.map { "\($0.name) (\($0.reason))" }),
            ("left out, since no parameter has the name", unknown.map(\.name)),
            ("not in the file", report.missing),
            ("frozen, and yet random", frozenAtRandom),
            ("zeros stay in", constraints.pruned),
            ("shared weights stay shared in", constraints.shared),
        ]
        let count = "\(report.loaded.count) of \(parameterCount.counted("parameter"))"
        return ["\(start.source.shownPath): sets \(count)"]
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
