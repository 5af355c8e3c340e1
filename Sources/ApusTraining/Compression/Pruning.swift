import ApusNN

/// A classifier whose weights of small magnitude are zero, and what became of each layer. Biases are left.
///
/// Han, Pool, Tran and Dally, 2015, "Learning both weights and connections for efficient neural networks", arXiv
/// 1506.02626. Training that follows keeps the zeros (see `WeightConstraints`).
public struct Pruning: Sendable {
    /// What a sparsity is a share of.
    public enum Scope: Sendable, Hashable {
        /// The weights of each layer.
        case layer
        /// The weights of all layers together, of which some then lose more than others.
        case network
    }

    /// What became of a layer.
    public struct Layer: Sendable, Hashable {
        public let path: String
        public let weights: Int
        /// Weights that are left.
        public let nonzeros: Int
        /// The greatest magnitude that was set to zero.
        public let threshold: Float
    }

    public let layers: [Layer]
    public let classifier: Classifier

    /// Sets weights of a copy of `classifier` to zero, those of the smallest magnitude; among equals the first.
    ///
    /// - Parameters:
    ///   - sparsity: the share of weights that are to be zero, from 0 to below 1, rounded down to whole weights. What
    ///     is zero already counts.
    ///   - patterns: describe the layers, by their paths; by default all.
    /// - Throws: `CompressionError` where the sparsity is out of range, a pattern describes no layer or weights are not
    ///   finite.
    public init(
        _ classifier: Classifier, sparsity: Double, scope: Scope = .layer, layers patterns: [NamePattern] = []
    ) throws {
        guard 0..<1 ~= sparsity else {
            throw CompressionError.range(
                name: "sparsity", found: "\(sparsity)", expected: "at least 0 and below 1")
        }
        let network = classifier.network
        let parameters = try network.weights(of: patterns)
        let magnitudes = parameters.map { network.values(of: $0).map(abs) }
        for (parameter, values) in zip(parameters, magnitudes) where !values.allSatisfy(\.isFinite) {
            throw CompressionError.weights(
                layer: parameter.layerPath, reason: "found numbers that are not finite")
        }
        let counts =
            switch scope {
            case .layer: magnitudes.map { Self.count(sparsity, of: $0.count) }
            case .network: Self.counts(sparsity, magnitudes)
            }
        let pruned = try network.copy()
        var layers: [Layer] = []
        for (index, parameter) in parameters.enumerated() {
            let order = magnitudes[index].indices.sorted {
                (magnitudes[index][$0], $0) < (magnitudes[index][$1], $1)
            }
            var values = network.values(of: parameter)
            for place in order.prefix(counts[index]) { values[place] = 0 }
            try pruned.setValues(values, of: parameter)
            layers.append(
                Layer(
                    path: parameter.layerPath, weights: parameter.count, nonzeros: values.count { $0 != 0 },
                    threshold: counts[index] > 0 ? magnitudes[index][order[counts[index] - 1]] : 0))
        }
        self.layers = layers
        var constraints = classifier.constraints
        constraints.pruned += parameters.map(\.name).filter { !constraints.pruned.contains($0) }
        self.classifier = try classifier.with(pruned, constraints)
    }

    private static func count(_ sparsity: Double, of weights: Int) -> Int { Int(sparsity * Double(weights)) }

    /// How many weights of each parameter are among the smallest of all.
    private static func counts(_ sparsity: Double, _ magnitudes: [[Float]]) -> [Int] {
        let all = magnitudes.enumerated().flatMap { parameter, values in values.map { (parameter, $0) } }
        let order = all.indices.sorted { (all[$0].1, $0) < (all[$1].1, $1) }
        var counts = [Int](repeating: 0, count: magnitudes.count)
        for index in order.prefix(count(sparsity, of: all.count)) { counts[all[index].0] += 1 }
        return counts
    }
}
