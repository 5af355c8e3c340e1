/// Looking at a network's layers.
extension Network {
    /// The layers that have a name, each before those inside it: those whose outputs `Executor.observer` sees.
    public var namedLayers: [PlannedLayer] {
        var layers: [PlannedLayer] = []
        root.forEach { if $0 !== root, !$0.isUnnamed { layers.append($0) } }
        return layers
    }

    /// The same network with a copy of these parameters, planned so that `Executor.observer` sees each layer's own output:
    /// no ReLU or pool is computed by the layer before it. Results have the same bits.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func unfused() throws -> Network {
        // The names of the frozen ones, so that both blocks are laid out alike.
        let frozen = parameters.filter(\.isFrozen).map { NamePattern($0.name) }
        let network = try Network(
            model, input: input, layout: layout, backend: backend, freezing: frozen, fusesActivations: false)
        network.changeParameters { $0.copy(from: parameterBlock) }
        return network
    }
}
