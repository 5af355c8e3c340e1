import ApusNN

/// A compression that cannot be.
public enum CompressionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A number is outside its range.
    case range(name: String, found: String, expected: String)
    /// A pattern describes no layer with weights.
    case pattern(NamePattern, known: [String])
    /// The network's layers are not in a `Sequential`, in which they could be exchanged.
    case notSequential(kind: String)
    /// The weights of a layer are not finite.
    case weights(layer: String, reason: String)

    public var description: String {
        switch self {
        case .range(let name, let found, let expected): "a \(name) of \(found); it must be \(expected)"
        case .pattern(let pattern, let known):
            "no layer to compress is described by \(pattern): there are "
                + (known.isEmpty ? "none" : known.joined(separator: ", "))
        case .notSequential(let kind):
            "the network is a \(kind), expected a Sequential, whose layers can be exchanged"
        case .weights(let layer, let reason): "the weights of layer \(layer): \(reason)"
        }
    }

    static func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws {
        guard range.contains(value) else {
            throw CompressionError.range(
                name: name, found: "\(value)",
                expected: "at least \(range.lowerBound) and at most \(range.upperBound)")
        }
    }
}

extension [NamePattern] {
    /// Those of `paths` that the patterns describe; all where there are none.
    ///
    /// - Throws: `CompressionError.pattern` where a pattern describes none.
    func selecting(_ paths: [String]) throws -> Set<String> {
        if let useless = first(where: { !paths.contains(where: $0.matches) }) {
            throw CompressionError.pattern(useless, known: paths)
        }
        return Set(isEmpty ? paths : paths.filter { path in contains { $0.matches(path) } })
    }
}

extension Parameter {
    /// The path of the layer that the parameter is of.
    var layerPath: String { String(name.dropLast(specification.name.count + 1)) }

    /// Whether it multiplies: a bias or a scale of channels has one extent alone.
    var isWeight: Bool { shape.count > 1 }
}

extension Network {
    /// The weights of the layers that `patterns` describe, in the order of planning.
    ///
    /// - Throws: `CompressionError.pattern` where a pattern describes none.
    func weights(of patterns: [NamePattern]) throws -> [Parameter] {
        let weights = parameters.filter(\.isWeight)
        let paths = try patterns.selecting(weights.map(\.layerPath))
        return weights.filter { paths.contains($0.layerPath) }
    }
}
