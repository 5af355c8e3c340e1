import ApusAnalysis
import ApusData
import ApusFormats
import ApusModels
import ApusTraining
import Foundation

/// What `apus compress` made of a network: layer by layer, and what it is now as against before.
struct CompressionReport: Encodable {
    /// A network as it is tested.
    struct Network: Encodable {
        let accuracy: Double?
        let parameters: Int
        let nonzeros: Int
        let multiplyAdds: Int
        let parameterBytes: Int
        let fileBytes: Int
        let imagesPerSecond: Double

        init(_ classifier: Classifier, accuracy: Double?, rate: Double) throws {
            let size = try NetworkSize(classifier)
            self.accuracy = accuracy
            parameters = size.numbers
            nonzeros = size.nonzeros
            multiplyAdds = size.multiplyAdds
            parameterBytes = size.parameterBytes
            fileBytes = size.fileBytes
            imagesPerSecond = rate
        }
    }

    struct Factored: Encodable {
        let layer: String
        let rows: Int
        let columns: Int
        let numericalRank: Int
        /// Not finite, and then left out, where the least singular value is zero.
        let condition: Double?
        let rank: Int
        let energy: Double
        let weights: Int
        let factoredWeights: Int
        /// Why the layer was left as it is.
        let left: String?
    }

    /// A layer whose weights were pruned, shared or both, and what they take in the file.
    struct Stored: Encodable {
        let layer: String
        let weights: Int
        let nonzeros: Int
        /// The greatest magnitude that was set to zero.
        let threshold: Float?
        /// Different values of nonzero weights.
        let values: Int?
        /// The relative error of sharing them.
        let error: Double?
        let places: String
        let bytes: Int
    }

    let file: String
    let output: String
    let model: String
    let data: String?
    let images: Int?
    /// Of the speed.
    let batchSize: Int
    let layers: [Factored]?
    let weights: [Stored]?
    let before: Network
    let after: Network

    init(
        _ checkpoint: Checkpoint, _ classifier: Classifier, _ outcome: CompressionSteps.Outcome,
        images: (any Dataset)?, data: DatasetSpecification?, output: TensorTarget, threads: Int?
    ) throws {
        let after = outcome.classifier
        let accuracies = try [classifier, after].map { classifier in
            try images.map { try classifier.evaluate($0, threads: threads).accuracy }
        }
        batchSize = InferenceRate.batchSize(for: classifier.network)
        let rates = try InferenceRate.measure([classifier, after], batchSize: batchSize, threads: threads)
        file = RunFolder.shown(checkpoint.path)
        self.output = output.shownPath
        model = after.modelName
        self.data = images.flatMap { _ in data?.description }
        self.images = images?.count
        before = try Network(classifier, accuracy: accuracies[0], rate: rates[0])
        self.after = try Network(after, accuracy: accuracies[1], rate: rates[1])
        layers = outcome.lowRank?.layers.map(Factored.init)
        weights = try Self.weights(outcome)
    }

    private static func weights(_ outcome: CompressionSteps.Outcome) throws -> [Stored]? {
        let pruned = outcome.pruning?.layers ?? []
        let shared = outcome.sharing?.layers ?? []
        guard outcome.pruning != nil || outcome.sharing != nil else { return nil }
        let sizes = Dictionary(
            uniqueKeysWithValues: try NetworkSize(outcome.classifier).parameters.map { ($0.name, $0) })
        let paths = pruned.isEmpty ? shared.map(\.path) : pruned.map(\.path)
        return paths.compactMap { path in
            guard let size = sizes["\(path).weight"] else { return nil }
            let sharing = shared.first { $0.path == path }
            return Stored(
                layer: path, weights: size.numbers, nonzeros: size.nonzeros,
                threshold: pruned.first { $0.path == path }?.threshold, values: sharing?.codebook.count,
                error: sharing?.error, places: size.places, bytes: size.bytes)
        }
    }

    func json() throws -> String {
        String(decoding: try JSONEncoder.forLines.encode(self), as: UTF8.self) + "\n"
    }

    func text(columns: Int) -> String {
        [
            "\(file): \(FactoredName(model).base)\n", layers.map(Self.table), weights.map(Self.table),
            comparison,
            "\(output): \(FactoredName(model).title)\n",
        ].compactMap(\.self).joined(separator: "\n")
    }

    private static func table(_ layers: [Factored]) -> String {
        var table = TextTable([.left, .right, .right, .right, .right, .right, .left])
        table.add(["layer", "weight", "rank", "energy", "numbers", "factored", ""])
        table.addRule()
        for layer in layers {
            let full = min(layer.rows, layer.columns)
            let deficient =
                layer.numericalRank < full ? "rank deficient: \(layer.numericalRank) of \(full)" : nil
            let dearer = layer.left == nil && layer.factoredWeights >= layer.weights ? "costs more" : nil
            let remarks = [layer.left.map { "left: \($0)" }, dearer, deficient].compactMap(\.self)
            table.add([
                layer.layer, "\(layer.rows)x\(layer.columns)", "\(layer.rank)", layer.energy.decimals(4),
                layer.weights.grouped, layer.factoredWeights.grouped, remarks.joined(separator: "; "),
            ])
        }
        return layers.isEmpty ? "No layer can be factored.\n" : table.text(gap: 2)
    }

    private static func table(_ layers: [Stored]) -> String {
        var table = TextTable([.left, .right, .right, .right, .right, .right, .right, .left])
        table.add(["layer", "weights", "nonzero", "up to", "values", "error", "bytes", "zeros by"])
        table.addRule()
        for layer in layers {
            let hasZeros = layer.nonzeros < layer.weights
            table.add([
                layer.layer, layer.weights.grouped, layer.nonzeros.grouped,
                layer.threshold.map { Double($0).digits(3) } ?? "-", layer.values.map(\.grouped) ?? "floats",
                layer.error.map { $0.decimals(4) } ?? "-", layer.bytes.grouped,
                layer.places == "all" ? (hasZeros ? "values" : "-") : layer.places,
            ])
        }
        return table.text(gap: 2)
    }

    private var comparison: String {
        var table = TextTable([.left, .right, .right, .right])
        table.add(["", "before", "after", "of before"])
        func row(_ name: String, _ number: (Network) -> Int, _ text: (Int) -> String = { $0.grouped }) {
            let (old, new) = (number(before), number(after))
            table.add([name, text(old), text(new), (Double(new) / Double(old)).decimals(3)])
        }
        if let old = before.accuracy, let new = after.accuracy {
            table.add(["accuracy", old.decimals(4), new.decimals(4), ""])
        }
        row("parameters", \.parameters)
        row("nonzero", \.nonzeros)
        row("MACs", \.multiplyAdds)
        row("bytes of parameters", \.parameterBytes)
        row("bytes of the file", \.fileBytes)
        table.add([
            "images/s", HumanText.count(before.imagesPerSecond), HumanText.count(after.imagesPerSecond),
            (after.imagesPerSecond / before.imagesPerSecond).decimals(3),
        ])
        let tested =
            data.map { "Accuracy on the \((images ?? 0).counted("test image")) of \($0)" }
            ?? "No accuracy: the checkpoint does not say its data, and --data does"
        return table.text(gap: 3) + "\(tested); speed in batches of \(batchSize).\n"
    }
}

extension CompressionReport.Factored {
    fileprivate init(_ layer: LowRankCompression.Layer) {
        self.layer = layer.path
        rows = layer.rows
        columns = layer.columns
        numericalRank = layer.numericalRank
        condition = layer.condition.isFinite ? layer.condition : nil
        rank = layer.rank
        energy = layer.energy
        weights = layer.weights
        factoredWeights = layer.factoredWeights
        left = layer.reason?.description
    }
}
