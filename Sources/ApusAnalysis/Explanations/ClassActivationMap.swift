import ApusKernels
import ApusNN

/// Class activation maps (Zhou et al., 2016, "Learning Deep Features for Discriminative Localization"), for networks that
/// end in the mean of each map and perhaps a linear layer: the last maps, each times the class's weight for its mean.
///
///     map = sum over k of w[class, k] A[k]
///
/// The mean of the map, plus the class's bias, is its score: the map says where the score comes from, and where it
/// loses. Without a linear layer, as in SqueezeNet, each class has a map of its own already. The map has the size of
/// those.
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
    /// The rows of the linear layer, `[classes, channels]`; nil where there is none.
    private let weights: [Float]?

    /// - Throws: `ExplanationError.noPooledEnd` where the network ends otherwise.
    init(_ network: Network) throws {
        var rest = network.chain[...]
        func dropLast(while isDropped: (any Layer) -> Bool) {
            while let last = rest.last, isDropped(last.layer) { rest.removeLast() }
        }
        // What changes no number, and the softmax of scores.
        dropLast { $0 is Dropout || $0 is Flatten || $0 is Softmax }
        var weight: Parameter?
        if let linear = rest.last, linear.layer is Linear {
            weight = linear.parameters.first
            rest.removeLast()
            dropLast { $0 is Dropout || $0 is Flatten }
        }
        guard let pool = rest.popLast(), pool.layer is GlobalAveragePool2D else {
            let end = network.chain.suffix(3).map { "\($0.layer.kind) (\($0.path))" }
            throw ExplanationError.noPooledEnd(found: end.joined(separator: ", "))
        }
        guard let maps = rest.last, !maps.isUnnamed, !maps.output.isVector else {
            throw ExplanationError.noPooledEnd(found: "nothing with a name and maps before \(pool.path)")
        }
        self.maps = maps
        weights = weight.map { network.values(of: $0) }
    }

    /// What each map counts for a class.
    func weights(of index: Int) -> [Double] {
        let channels = maps.output.channels
        guard let weights else { return (0..<channels).map { $0 == index ? 1 : 0 } }
        return weights[index * channels..<(index + 1) * channels].map { Double($0) }
    }
}
