import ApusNN

extension Network {
    /// All layers that have a name, from the root down.
    var namedLayers: [PlannedLayer] {
        func named(_ layer: PlannedLayer) -> [PlannedLayer] {
            (layer.isUnnamed || layer === root ? [] : [layer]) + layer.children.flatMap(named)
        }
        return named(root)
    }

    /// The paths of the layers whose outputs are maps of more than one pixel.
    public var layersWithMaps: [String] { namedLayers.filter { !$0.output.isVector }.map(\.path) }

    /// The layer of a path, whose output is a map.
    ///
    /// - Throws: `ExplanationError.unknownLayer` or `.noMaps`.
    public func layerWithMaps(_ path: String) throws -> PlannedLayer {
        guard let layer = namedLayers.first(where: { $0.path == path }) else {
            throw ExplanationError.unknownLayer(name: path, known: layersWithMaps)
        }
        guard !layer.output.isVector else {
            throw ExplanationError.noMaps(layer: path, output: layer.output, known: layersWithMaps)
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
