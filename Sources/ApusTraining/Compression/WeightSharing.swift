import ApusNN

/// A classifier of which each layer's weights are a few numbers, its codebook, and what became of each layer. Biases
/// are left, and zeros stay zeros, beside the codebook: a parameter that has some is pruned, too.
///
/// Han, Mao and Dally, 2016, "Deep compression: Compressing deep neural networks with pruning, trained quantization
/// and Huffman coding", arXiv 1510.00149, section 3: one-dimensional k-means that begins with numbers at equal
/// distances from the least weight to the greatest. Training that follows moves the numbers of the codebook, each by
/// the sum of its weights' gradients (see `WeightConstraints`).
public struct WeightSharing: Sendable {
    /// What became of a layer.
    public struct Layer: Sendable, Hashable {
        public let path: String
        public let weights: Int
        public let nonzeros: Int
        /// Numbers that nonzero weights are made of: at most 2^bits.
        public let codebook: [Float]
        /// The root of the mean squared change of nonzero weights, relative to the root of their mean square.
        public let error: Double
    }

    public let layers: [Layer]
    public let classifier: Classifier

    /// Replaces weights of a copy of `classifier` by those of codebooks.
    ///
    /// - Parameters:
    ///   - bits: of an index into a codebook, 1 to 8.
    ///   - patterns: describe the layers, by their paths; by default all.
    /// - Throws: `CompressionError` where there are other bits, a pattern describes no layer or weights are not finite.
    public init(_ classifier: Classifier, bits: Int, layers patterns: [NamePattern] = []) throws {
        guard 1...8 ~= bits else {
            throw CompressionError.range(name: "codebook", found: "\(bits) bits", expected: "of 1 to 8 bits")
        }
        let network = classifier.network
        let parameters = try network.weights(of: patterns)
        let shared = try network.copy()
        var layers: [Layer] = []
        var constraints = classifier.constraints
        for parameter in parameters {
            let values = network.values(of: parameter)
            guard values.allSatisfy(\.isFinite) else {
                throw CompressionError.weights(
                    layer: parameter.layerPath, reason: "found numbers that are not finite")
            }
            let nonzeros = values.filter { $0 != 0 }
            if nonzeros.count < values.count, !constraints.pruned.contains(parameter.name) {
                constraints.pruned.append(parameter.name)
            }
            let clusters = ScalarClusters(nonzeros, count: 1 << bits)
            let replaced = values.map { $0 == 0 ? 0 : clusters.nearest(to: $0) }
            try shared.setValues(replaced, of: parameter)
            layers.append(
                Layer(
                    path: parameter.layerPath, weights: values.count, nonzeros: nonzeros.count,
                    codebook: clusters.centroids, error: Self.error(values, replaced)))
        }
        self.layers = layers
        constraints.shared += parameters.map(\.name).filter { !constraints.shared.contains($0) }
        self.classifier = try classifier.with(shared, constraints)
    }

    private static func error(_ values: [Float], _ replaced: [Float]) -> Double {
        var (change, norm) = (0.0, 0.0)
        for (value, new) in zip(values, replaced) {
            change += (Double(new) - Double(value)) * (Double(new) - Double(value))
            norm += Double(value) * Double(value)
        }
        return norm > 0 ? (change / norm).squareRoot() : 0
    }
}
