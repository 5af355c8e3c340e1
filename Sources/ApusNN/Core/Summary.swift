import ApusKernels

/// What one layer of a planned network makes, costs and books, and how it is computed.
public struct LayerSummary: Sendable, Hashable, Codable {
    /// The names from the root down, joined by dots; empty for the network as a whole.
    public let path: String
    /// What the layer is, such as `Conv2D`.
    public let kind: String
    /// The output of one image: `[height, width, channels]`, or `[features]` for a vector.
    public let output: [Int]
    /// Numbers in the parameters of the layer itself and of what it holds without a name, not of other layers
    /// inside.
    public internal(set) var parameters: Int
    /// Multiply-adds of a forward pass over one image, of the same layers.
    public internal(set) var multiplyAdds: Int
    /// What one thread keeps of the layer from forward to backward, for a shard of images: its output, unless
    /// that lies over the input, ends the network or is not kept, and what it notes down. Bytes.
    public internal(set) var activationBytes: Int
    /// What one thread needs while it runs the layer, for a shard of images. Bytes.
    public internal(set) var scratchBytes: Int
    /// Whether the layer holds others, which follow it.
    public let isContainer: Bool
    /// The way the layer is computed, where there was a choice.
    public let algorithm: String?
    /// Where its output lies. What is `fused` is computed by the layer before it.
    public let placement: PlannedLayer.Placement
}

/// What a planned network makes, costs and books, layer by layer; nothing has run for it.
public struct NetworkSummary: Sendable, Hashable, Codable {
    public let batchSize: Int
    public let threads: Int
    /// The layout of activations.
    public let layout: Layout
    /// What computes products and convolutions.
    public let backend: Backend
    /// Images that a thread works on at once.
    public let shardSize: Int
    /// Parts of the batch that add up gradients of their own: no more threads than these find work.
    public let lanes: Int
    public let parameters: Int
    /// Multiply-adds of a forward pass over one image.
    public let multiplyAdds: Int
    /// All layers from the root down, the root first. What containers without a name book counts for those
    /// they are in.
    public let layers: [LayerSummary]
    /// What one thread keeps of a shard from forward to backward: the sum over the layers. Bytes.
    public let shardActivationBytes: Int
    /// The most scratch that is in use at once: less than the sum over the layers, since layers that never
    /// run at the same time share it. Bytes.
    public let shardScratchBytes: Int
    /// What training takes in all.
    public let memory: MemoryUse
}

extension Network {
    /// Sums up the plan: shapes, parameters, multiply-adds, and the memory that training takes.
    ///
    /// - Parameters:
    ///   - batchSize: images of a batch.
    ///   - threads: by default as many as the process may use.
    /// - Throws: `PlanningError` where the batch is empty.
    public func summary(batchSize: Int, threads: Int? = nil) throws -> NetworkSummary {
        try Executor.check(batchSize: batchSize)
        let threads = max(1, threads ?? Machine.usableThreads)
        let shardSize = Executor.shardSize(self, batchSize: batchSize)
        let plan = MemoryPlan(root, images: shardSize)
        var layers: [LayerSummary] = []
        root.appendSummaries(to: &layers, images: shardSize, keptByContainer: 0, container: 0)
        return NetworkSummary(
            batchSize: batchSize, threads: threads, layout: layout, backend: backend, shardSize: shardSize,
            lanes: ShardDeal(images: batchSize, shardSize: shardSize).laneCount,
            parameters: parameterCount, multiplyAdds: multiplyAdds, layers: layers,
            shardActivationBytes: 4 * plan.savedFloats,
            shardScratchBytes: 4 * plan.scratchFloats,
            memory: Executor.memory(self, batchSize: batchSize, threads: threads, isTraining: true))
    }
}

extension PlannedLayer {
    /// Adds this layer and all inside it; a container's buffer counts for the first layer whose output lies
    /// there.
    ///
    /// - Parameter container: the place of the container with a name that this layer is in.
    fileprivate func appendSummaries(
        to summaries: inout [LayerSummary], images: Int, keptByContainer: Int, container: Int
    ) {
        var owners: [Int: Int] = [:]
        for (child, route) in routes.enumerated() {
            if case .saved(let buffer) = route, owners[buffer] == nil { owners[buffer] = child }
        }
        let sizes = saved.map { 4 * $0.count(images: images) }
        let own = sizes.indices.reduce(0) { owners[$1] == nil ? $0 + sizes[$1] : $0 }
        let scratchBytes = scratch.reduce(0) { $0 + 4 * $1.count(images: images) }
        var place = container
        if isUnnamed {
            summaries[container].parameters += ownParameters
            summaries[container].multiplyAdds += ownMultiplyAdds
            summaries[container].activationBytes += keptByContainer + own
            summaries[container].scratchBytes += scratchBytes
        } else {
            place = summaries.count
            summaries.append(
                LayerSummary(
                    path: path, kind: layer.kind,
                    output: output.isVector
                        ? [output.channels] : output.extents,
                    parameters: ownParameters, multiplyAdds: ownMultiplyAdds,
                    activationBytes: keptByContainer + own, scratchBytes: scratchBytes,
                    isContainer: !children.isEmpty, algorithm: algorithm, placement: placement))
        }
        for (index, child) in children.enumerated() {
            let kept = owners.reduce(0) { $1.value == index ? $0 + sizes[$1.key] : $0 }
            child.appendSummaries(
                to: &summaries, images: images, keptByContainer: kept, container: place)
        }
    }
}
