import ApusKernels

/// How a batch is cut, and what that takes.
extension Executor {
    static let greatestShardSize = 16

    /// - Throws: `PlanningError` for a batch that is empty or absurd.
    package static func check(batchSize: Int) throws {
        guard 1...greatestBatchSize ~= batchSize else {
            throw PlanningError(
                reason: "a batch of \(batchSize) images; at least 1 and at most \(greatestBatchSize)")
        }
    }

    private static let greatestBatchSize = 1 << 20

    /// Images of a shard: as many as keep a worker's activations and scratch in cache, and
    /// so many that the batch makes a power of two of shards, which two, four or eight threads share evenly. Where
    /// images are last, a block.
    static func shardSize(_ network: Network, batchSize: Int) -> Int {
        guard network.layout != .imagesLast else { return network.layout.imagesPerBlock }
        let greatest = max(
            1, min(greatestShardSize, cacheFloats(network.layout) / network.unfusedImageFloats))
        // Four shards, if they come to four images or more each.
        var shards = batchSize >= greatestShardSize ? 4 : batchSize >= 8 ? 2 : 1
        while shards * greatest < batchSize { shards *= 2 }
        return (batchSize + shards - 1) / shards
    }

    /// What a worker may fill.
    ///
    /// Channels first, a little more than the second-level cache of today's servers, since not all of it is in
    /// use at once. (Measured on LeNet-5: half and twice of it cost 3 to 10 %.) Channels last, a part of the
    /// third-level one: products take the pixels of several images at once.
    private static func cacheFloats(_ layout: Layout) -> Int {
        layout == .channelsLast ? 10 << 20 : 5 << 16
    }

    /// Whole shards, at least one.
    static func microBatchSize(_ wanted: Int?, batchSize: Int, shardSize: Int) -> Int {
        guard let wanted, wanted < batchSize else { return batchSize }
        return max(1, wanted / shardSize) * shardSize
    }

    /// Bytes of memory, by use: parameters, gradients, activations, and scratch of all workers.
    public var memory: MemoryUse {
        Executor.memory(
            network, batchSize: batchSize, microBatch: microBatchSize, threads: workers.count,
            isTraining: isTraining)
    }

    /// What an executor takes, before there is one.
    static func memory(
        _ network: Network, batchSize: Int, microBatch: Int? = nil, threads: Int, isTraining: Bool
    ) -> MemoryUse {
        let shardSize = shardSize(network, batchSize: batchSize)
        let lanes = ShardDeal(images: batchSize, shardSize: shardSize).laneCount
        let active = min(threads, lanes)
        let plan = MemoryPlan(network.root, images: shardSize, keepsActivations: isTraining)
        let imageFloats = FloatBuffer.aligned(shardSize * network.input.count)
        let outputFloats = network.layout.floats(
            batch: microBatchSize(microBatch, batchSize: batchSize, shardSize: shardSize), network.output)
        let activations = (plan.savedFloats + imageFloats) * active + outputFloats
        let factored = isTraining ? network.factoredLayers(batchSize: batchSize) : []
        let factors = factored.reduce(0) { $0 + GradientFactors.floats($1.parameter, batchSize: batchSize) }
        let factoredFloats = factored.isEmpty ? 0 : network.factoredFloats
        let productScratch = factored.isEmpty ? 0 : threads * DirectProduct.scratchCount
        return MemoryUse(
            parameterBytes: 4 * network.parameterBlock.count,
            gradientBytes: isTraining
                ? 4 * (factoredFloats + factors + (network.trainedFloats - factoredFloats) * lanes) : 0,
            activationBytes: 4 * (activations + (isTraining ? outputFloats : 0)),
            scratchBytes: 4 * (plan.scratchFloats * (isTraining ? active : threads) + productScratch),
            preparedBytes: 4 * plan.preparedFloats)
    }

    static func shardCount(_ images: Int, _ shardSize: Int) -> Int {
        (images + shardSize - 1) / shardSize
    }
}

/// Bytes that running a network takes, by use.
public struct MemoryUse: Sendable, Hashable, Codable {
    public var parameterBytes: Int
    public var gradientBytes: Int
    public var activationBytes: Int
    public var scratchBytes: Int
    /// What layers have made of their parameters, for all threads.
    public var preparedBytes: Int
    /// What the optimiser remembers.
    public var optimizerBytes = 0

    public var totalBytes: Int {
        parameterBytes + gradientBytes + activationBytes + scratchBytes + preparedBytes + optimizerBytes
    }
}
