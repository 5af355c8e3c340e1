import ApusKernels

/// Where the time of an executor's workers went, each moment counted once.
///
/// Times are sums over the workers. What is missing to the time that passed, times the workers, was spent waiting:
/// for each other, or for work. Where all workers share each layer, the first one's waiting for the others counts for
/// the layer.
public struct ExecutorProfile: Sendable {
    /// What a layer took itself; of a container, what the layers inside it did not take.
    public struct LayerTime: Sendable {
        public let layer: PlannedLayer
        public let forward: Duration
        public let backward: Duration
        /// Whether backward computed the gradient with respect to the layer's input.
        public let hasInputGradient: Bool
    }

    /// All layers from the root down, each before those inside it. Those that are not run took nothing.
    public let layers: [LayerTime]
    /// Getting images from their source.
    public let loading: Duration
    /// Getting labels, judging the outputs, and the gradient of that.
    public let loss: Duration
    /// Adding up the lanes' gradients.
    public let reduction: Duration
    /// The optimiser's moving of the parameters.
    public let update: Duration
    /// What layers make of parameters that have changed, before a batch.
    public let preparation: Duration
    /// Clearing gradients, and dealing images to lanes.
    public let dealing: Duration

    /// All of it.
    public var total: Duration {
        layers.reduce(loading + loss + reduction + update + preparation + dealing) {
            $0 + $1.forward + $1.backward
        }
    }

    init(_ timers: [WorkerTimer], of root: PlannedLayer) {
        func sum(_ account: WorkerTimer.Account) -> Duration {
            timers.reduce(.zero) { $0 + $1.time(account) }
        }
        var layers: [LayerTime] = []
        root.forEach { layer in
            layers.append(
                LayerTime(
                    layer: layer, forward: sum(.forward(of: layer)), backward: sum(.backward(of: layer)),
                    hasInputGradient: timers.contains { $0.hasInputGradient(of: layer) }))
        }
        self.layers = layers
        loading = sum(.loading)
        loss = sum(.loss)
        reduction = sum(.reduction)
        update = sum(.update)
        preparation = sum(.preparation)
        dealing = sum(.dealing)
    }
}

extension Executor {
    /// What the workers have done since `isProfiling` was set; nil where it is not. To be asked for between
    /// batches.
    public var profile: ExecutorProfile? {
        isProfiling ? ExecutorProfile(timers, of: network.root) : nil
    }

    /// Runs `body` as a part of the optimiser's step on `worker`.
    package func timedUpdate(worker: Int, _ body: () -> Void) { timed(.update, worker: worker, body) }

    /// Runs `body`, and books its time on `worker` to `account` where somebody asks.
    func timed(_ account: WorkerTimer.Account, worker: Int, _ body: () -> Void) {
        if isProfiling { timers[worker].run(account, body) } else { body() }
    }
}

/// The least that a pass of a layer has to do, whatever way it is computed.
public struct PassCost: Sendable, Hashable {
    /// Two for each multiply-add of the definition; biases, activations and poolings count none.
    public var operations: Int
    /// What must be read or written once, however often it is: inputs, outputs, parameters and their gradients.
    public var bytes: Int

    public init(operations: Int = 0, bytes: Int = 0) {
        self.operations = operations
        self.bytes = bytes
    }
}

extension PlannedLayer {
    /// Of a forward pass over so many images: input and parameters read, the output written. Of a container
    /// nothing is known but its own parameters and multiply-adds.
    public func forwardCost(images: Int) -> PassCost {
        PassCost(
            operations: 2 * images * ownMultiplyAdds,
            bytes: 4 * (ownParameters + (children.isEmpty ? images * (input.count + stored.count) : 0)))
    }

    /// Of a backward pass over so many images: the output's gradient and what backward reads of forward's input
    /// and output read, the parameters' gradients written; and where `hasInputGradient`, parameters read and that
    /// gradient written.
    public func backwardCost(images: Int, hasInputGradient: Bool) -> PassCost {
        let trained = parameters.filter { !$0.isFrozen }.reduce(0) { $0 + $1.count }
        let products = (trained > 0 ? 1 : 0) + (hasInputGradient ? 1 : 0)
        var perImage = stored.count
        if backwardReadsInput { perImage += input.count }
        if backwardReadsOutput { perImage += stored.count }
        if hasInputGradient { perImage += input.count }
        return PassCost(
            operations: 2 * images * ownMultiplyAdds * products,
            bytes: 4
                * (trained + (hasInputGradient ? ownParameters : 0)
                    + (children.isEmpty ? images * perImage : 0)))
    }
}
