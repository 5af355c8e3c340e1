import ApusFormats
import ApusNN

extension Network {
    /// The layer of a path; of one that is factored, whose two layers are `fc.0` and `fc.1`, the last by the path of
    /// both, `fc`.
    ///
    /// - Throws: `UnknownLayerError` where there is none.
    public func layer(at path: String) throws(UnknownLayerError) -> PlannedLayer {
        let layers = namedLayers
        // A container with a layer `1` in it has its own path, and was found.
        guard
            let layer = layers.first(where: { $0.path == path })
                ?? layers.first(where: { $0.path == "\(path).1" && $0.layer is any LowRankLayer })
        else { throw UnknownLayerError(path: path, known: layers.map(\.path)) }
        return layer
    }

    /// The layers that patterns describe, by their paths or those of `layer(at:)`, in the order of the network.
    ///
    /// - Throws: `UnknownLayerError` where a pattern describes none: it is most likely a path misspelt.
    public func layers(matching patterns: [NamePattern]) throws(UnknownLayerError) -> [PlannedLayer] {
        let layers = namedLayers
        var wanted: Set<String> = []
        for pattern in patterns {
            let found = layers.map(\.path).filter(pattern.matches)
            wanted.formUnion(found.isEmpty ? [try layer(at: pattern.description).path] : found)
        }
        return layers.filter { wanted.contains($0.path) }
    }

    /// The layers that have filters, in the order of the network.
    public var convolutions: [PlannedLayer] {
        namedLayers.filter { layer in layer.parameters.contains { $0.shape.count == 4 } }
    }

    /// The paths of the layers whose outputs are maps of more than one pixel.
    public var layersWithMaps: [String] { namedLayers.filter { !$0.output.isVector }.map(\.path) }

    /// The layer of a path, whose output is a map.
    ///
    /// - Throws: `UnknownLayerError`, or `ExplanationError.noMaps`.
    public func layerWithMaps(_ path: String) throws -> PlannedLayer {
        let layer = try layer(at: path)
        guard !layer.output.isVector else {
            throw ExplanationError.noMaps(layer: layer.path, output: layer.output, known: layersWithMaps)
        }
        return layer
    }

    /// The layers one after the other, those inside of any `Sequential` in its place.
    var chain: [PlannedLayer] {
        func chain(_ layer: PlannedLayer) -> [PlannedLayer] {
            layer.layer is Sequential ? layer.children.flatMap(chain) : [layer]
        }
        return chain(root)
    }
}

extension PlannedLayer {
    /// Whether it changes no number where nothing is trained.
    var isIdentity: Bool { layer is Dropout || layer is Flatten }
}

/// No layer of a network goes by a path.
public struct UnknownLayerError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    /// The paths that there are.
    public let known: [String]

    public init(path: String, known: [String]) {
        self.path = path
        self.known = known
    }

    public var description: String {
        "no layer is called \(path)" + known.hint(for: path, kind: "layers")
    }
}

extension [String] {
    /// What was meant by a name that is none of these, or what there is: the end of an error.
    func hint(for name: String, kind: String) -> String {
        if let near = NearestName.suggestion(for: name, among: self) { return "; did you mean \(near)?" }
        return isEmpty ? "; there are no \(kind)" : "; the \(kind) are \(listed)"
    }

    /// All where they are a dozen at most, else the first few.
    var listed: String {
        let most = 12
        return prefix(most).joined(separator: ", ") + (count > most ? " and \(count - most) more" : "")
    }
}
