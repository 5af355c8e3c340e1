extension Network {
    /// The layers that have a name, each before those inside it: those whose outputs `Executor.observer` sees.
    public var namedLayers: [PlannedLayer] {
        var layers: [PlannedLayer] = []
        root.forEach { if $0 !== root, !$0.isUnnamed { layers.append($0) } }
        return layers
    }
}
