/// A layer made of others, which can be exchanged without a word about the rest.
public protocol LayerContainer: Layer {
    /// The same container with other layers inside, wherever `change` gives one.
    ///
    /// - Parameters:
    ///   - path: the container's own, empty for the root.
    ///   - change: gets each layer that holds no others, and its path; nil leaves it. A `Sequential` that comes in the
    ///     place of a layer of a `Sequential` becomes part of it, its layers `fc.0`, `fc.1`, so that what is planned
    ///     for neighbours still is.
    func replacing(path: String, _ change: LayerChange) -> Self
}

/// What comes in the place of a layer at a path, or nil.
public typealias LayerChange = (_ path: String, _ layer: any Layer) -> (any Layer)?

extension LayerContainer {
    /// The layers inside that hold no others, and their paths.
    public var innermostLayers: [(path: String, layer: any Layer)] {
        var layers: [(path: String, layer: any Layer)] = []
        _ = replacing(path: "") { path, layer in
            layers.append((path, layer))
            return nil
        }
        return layers
    }
}

extension NamedLayer {
    /// The path of the layer in a container of `path`.
    func path(in path: String) -> String {
        if isUnnamed { return path }
        return path.isEmpty ? name : "\(path).\(name)"
    }

    /// The layer in a container of `path` with what `change` makes of it, or of what is inside it.
    func replacing(path: String, _ change: LayerChange) -> NamedLayer {
        NamedLayer(
            name: name, layer: layer.replaced(path: self.path(in: path), change), isUnnamed: isUnnamed)
    }
}

extension Layer {
    /// What `change` makes of this layer, or of the layers inside.
    func replaced(path: String, _ change: LayerChange) -> any Layer {
        if let container = self as? any LayerContainer { return container.replacing(path: path, change) }
        return change(path, self) ?? self
    }
}

extension Sequential: LayerContainer {
    public func replacing(path: String, _ change: LayerChange) -> Sequential {
        Sequential(
            layers.flatMap { named -> [NamedLayer] in
                let replaced = named.replacing(path: path, change)
                // A container that was there before keeps its own names.
                guard !(named.layer is any LayerContainer), !named.isUnnamed,
                    let parts = replaced.layer as? Sequential
                else { return [replaced] }
                return parts.layers.map {
                    NamedLayer(name: "\(named.name).\($0.name)", layer: $0.layer)
                }
            })
    }
}

extension Concat: LayerContainer {
    public func replacing(path: String, _ change: LayerChange) -> Concat {
        Concat(branches.map { $0.replacing(path: path, change) })
    }
}

extension Residual: LayerContainer {
    public func replacing(path: String, _ change: LayerChange) -> Residual {
        Residual(
            body.replaced(path: path, change),
            shortcut: shortcut?.named("shortcut").replacing(path: path, change).layer)
    }
}

extension Fire: LayerContainer {
    public func replacing(path: String, _ change: LayerChange) -> Fire {
        Fire(body.replacing(path: path, change))
    }
}
