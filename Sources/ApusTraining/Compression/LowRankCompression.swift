import ApusKernels
import ApusModels
import ApusNN

/// A classifier of which `Linear` and `Conv2D` layers are the product of two narrower ones, by the singular value
/// decomposition of their weights, and what became of each layer.
///
/// A weight W, `[outputs, inputs]` or `[outputs, inputs height width]`, is `U S V^T`. With the `r` greatest singular
/// values, `sqrt(S) V^T` is a layer to `r` features without a bias, and `U sqrt(S)` one from there to the outputs, for
/// convolutions of 1x1: `r (outputs + inputs)` numbers for `outputs inputs`.
///
/// Denton, Zaremba, Bruna, LeCun and Fergus, 2014, "Exploiting linear structure within convolutional networks for
/// efficient evaluation", arXiv 1404.0736; Jaderberg, Vedaldi and Zisserman, 2014, "Speeding up convolutional neural
/// networks with low rank expansions", arXiv 1405.3866; Xue, Li and Gong, 2013, "Restructuring of deep neural network
/// acoustic models with singular value decomposition".
public struct LowRankCompression: Sendable {
    /// What became of a layer.
    public struct Layer: Sendable, Hashable {
        public let path: String
        /// Outputs, and inputs of one.
        public let rows: Int
        public let columns: Int
        /// Singular values that are more than rounding.
        public let numericalRank: Int
        /// The greatest singular value over the smallest.
        public let condition: Double
        /// The rank that was asked for.
        public let rank: Int
        /// The share of the squared singular values that it keeps.
        public let energy: Double
        /// Why the layer was left as it is; nil where it was factored.
        public let reason: Reason?

        /// Numbers in its weight, and in those of its factors.
        public var weights: Int { rows * columns }
        public var factoredWeights: Int { rank * (rows + columns) }
        /// Whether rows or columns follow from others.
        public var isDeficient: Bool { numericalRank < min(rows, columns) }
    }

    /// Why a layer was left as it is.
    public enum Reason: Sendable, Hashable, CustomStringConvertible {
        /// The factors have as many numbers as the weight, or more.
        case cost
        /// It is pruned or shared, which its factors would not be.
        case constrained
        /// It is a convolution in groups.
        case groups

        public var description: String {
            switch self {
            case .cost: "its factors cost no less"
            case .constrained: "its zeros or shared weights would be lost"
            case .groups: "its channels are in groups"
            }
        }
    }

    public let layers: [Layer]
    public let classifier: Classifier

    /// Factors layers of `classifier`, which stays as it is.
    ///
    /// - Parameters:
    ///   - energy: the share of each layer's squared singular values to keep, above 0; 1 keeps the numerical rank. A
    ///     layer whose factors cost no less than it is left. Without it only the layers of `ranks` are factored.
    ///   - ranks: of layers for which it is decided, whatever the energy and cost.
    ///   - patterns: describe the layers, by their paths; by default all.
    /// - Throws: `CompressionError` where the energy is out of range, a pattern describes no layer or weights are not
    ///   finite; `FactoringError` where a layer of `ranks` cannot be factored; `LAPACKError`.
    public init(
        _ classifier: Classifier, energy: Double?, ranks: LayerRanks = LayerRanks(),
        layers patterns: [NamePattern] = []
    ) throws {
        if let energy { try CompressionError.check("share of energy", energy, 0.000_001...1) }
        let network = classifier.network
        guard let model = network.model as? Sequential else {
            throw CompressionError.notSequential(kind: network.model.kind)
        }
        // Refuses what is no layer, or not one to factor.
        _ = try model.factored(ranks)
        let asked = Dictionary(ranks.entries.map { ($0.path, $0.rank) }) { $1 }
        let known = model.innermostLayers.compactMap { path, layer in
            (layer as? any LowRankLayer).map { (path: path, layer: $0) }
        }
        let selected = try patterns.selecting(known.map(\.path))
        var decompositions: [String: SingularValues] = [:]
        var layers: [Layer] = []
        for (path, layer) in known {
            guard asked[path] != nil || (energy != nil && selected.contains(path)) else { continue }
            let values = try Self.singularValues(path, layer, network)
            decompositions[path] = values
            layers.append(
                Layer(
                    path, layer, values, asked: asked[path], energy: energy ?? 1,
                    isConstrained: classifier.constraints.contains("\(path).weight")))
        }
        self.layers = layers
        let chosen = LayerRanks(
            layers.filter { $0.reason == nil }.map { LayerRanks.Entry(path: $0.path, rank: $0.rank) })
        self.classifier = try classifier.factored(chosen, model, decompositions)
    }

    private static func singularValues(
        _ path: String, _ layer: any LowRankLayer, _ network: Network
    ) throws -> SingularValues {
        let weight = network.values(of: try network.parameter(named: "\(path).weight"))
        // A convolution in groups is left, and what is said of it is said of all groups together.
        let (rows, columns) = layer.weightMatrix
        do {
            return try SingularValues(weight, rows: rows, columns: columns)
        } catch let error as SingularValuesError {
            throw CompressionError.weights(layer: path, reason: "\(error)")
        }
    }
}

extension LowRankCompression.Layer {
    fileprivate init(
        _ path: String, _ layer: any LowRankLayer, _ values: SingularValues, asked: Int?, energy: Double,
        isConstrained: Bool
    ) {
        self.path = path
        rows = values.rows
        columns = values.columns
        numericalRank = values.numericalRank
        condition = values.condition
        let rank = asked ?? values.rank(keeping: energy)
        self.rank = rank
        self.energy = values.energy(ofRank: rank)
        if !layer.isFactorable {
            reason = .groups
        } else if isConstrained {
            reason = .constrained
        } else {
            let isDearer = rank * (values.rows + values.columns) >= values.rows * values.columns
            reason = asked == nil && isDearer ? .cost : nil
        }
    }
}

extension Classifier {
    /// This classifier with layers of its model factored, and their weights.
    fileprivate func factored(
        _ ranks: LayerRanks, _ model: Sequential, _ decompositions: [String: SingularValues]
    ) throws -> Classifier {
        guard !ranks.entries.isEmpty else { return self }
        let factored = try Network(
            try model.factored(ranks), input: network.input, layout: network.layout, backend: network.backend)
        var values = Dictionary(
            uniqueKeysWithValues: network.parameters.map { ($0.name, network.values(of: $0)) })
        for entry in ranks.entries {
            let factors = decompositions[entry.path]?.factors(ofRank: entry.rank)
            values["\(entry.path).0.weight"] = factors?.right
            values["\(entry.path).1.weight"] = factors?.left
            values["\(entry.path).1.bias"] = values["\(entry.path).bias"]
        }
        for parameter in factored.parameters {
            try factored.setValues(values[parameter.name] ?? [], of: parameter)
        }
        var name = FactoredName(modelName)
        name.ranks.entries += ranks.entries
        return try Classifier(
            modelName: name.description, network: factored, classNames: classNames,
            preprocessing: preprocessing, constraints: constraints)
    }
}
