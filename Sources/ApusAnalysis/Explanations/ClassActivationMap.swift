import ApusKernels
import ApusNN

/// Class activation maps (Zhou et al., 2016, "Learning Deep Features for Discriminative Localization"), for networks that
/// end in the mean of each map and perhaps a linear layer: the last maps, each times the class's weight for its mean.
///
///     map = sum over k of w[class, k] A[k]
///
/// Linear layers that follow each other, as the factors of a compressed one do, are one: the product of their weights. The
/// mean of the map, plus the class's bias, is its score: the map says where the score comes from, and where it
/// loses. Without a linear layer, as in SqueezeNet, each class has a map of its own already. The map has the size of those.
public struct ClassActivationMap: ExplanationMethod {
    public init() {}

    public var name: String { "CAM" }
    public var isSigned: Bool { true }

    public func layer(in network: Network) throws -> PlannedLayer? { try PooledEnd(network).maps }

    public func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
        let end = try PooledEnd(request.network)
        return zip(try request.activations(of: end.maps), request.classes).map { maps, index in
            AttributionMap(
                height: maps.shape.height, width: maps.shape.width,
                values: maps.sum(weights: end.weights(of: index)).map { Float($0) })
        }
    }
}

extension ExplanationMethod where Self == ClassActivationMap {
    /// See `ClassActivationMap`.
    public static var classActivationMap: ClassActivationMap { ClassActivationMap() }
}

/// The end of a network whose scores are means of maps, or weighted sums of such means.
private struct PooledEnd {
    /// The layer whose output the means are taken of.
    let maps: PlannedLayer
    /// Scores of the network.
    private let classes: Int
    /// The weights of the linear layers after the means, each `[outputs, inputs]`, the last layer's first.
    private let weights: [[Float]]

    /// - Throws: `ExplanationError.noPooledEnd` where the network ends otherwise.
    init(_ network: Network) throws {
        var rest = network.chain[...]
        func dropIdentities() {
            while rest.last?.isIdentity == true { rest.removeLast() }
        }
        dropIdentities()
        var weights: [Parameter] = []
        while let last = rest.last, last.layer is Linear {
            weights += last.parameters.prefix(1)
            rest.removeLast()
            dropIdentities()
        }
        guard let pool = rest.popLast(), pool.layer is GlobalAveragePool2D else {
            let end = network.chain.suffix(3).map { "\($0.layer.kind) (\($0.path))" }
            throw ExplanationError.noPooledEnd(found: end.joined(separator: ", "))
        }
        guard let maps = rest.last, !maps.isUnnamed, !maps.output.isVector else {
            throw ExplanationError.noPooledEnd(found: "nothing with a name and maps before \(pool.path)")
        }
        self.maps = maps
        self.weights = weights.map { network.values(of: $0) }
        classes = network.output.channels
    }

    /// What each map counts for a class: the class's row of the product of all weights.
    func weights(of index: Int) -> [Double] {
        let chosen = (0..<classes).map { $0 == index ? 1.0 : 0 }
        return weights.reduce(chosen) { row, matrix in
            let inputs = matrix.count / row.count
            var product = [Double](repeating: 0, count: inputs)
            for (output, factor) in row.enumerated() where factor != 0 {
                for input in 0..<inputs { product[input] += factor * Double(matrix[output * inputs + input]) }
            }
            return product
        }
    }
}
