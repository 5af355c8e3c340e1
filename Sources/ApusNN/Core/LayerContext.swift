import ApusKernels

/// What a batch is computed for.
public enum Phase: Sendable, Hashable {
    /// A step of training: dropout and the like act.
    case training
    /// An answer: nothing is left to chance.
    case evaluation
}

/// What a layer may touch while it runs: its parameters, their gradients, its booked memory, the phase and
/// random numbers.
public struct LayerContext {
    let layer: PlannedLayer
    let memory: WorkerMemory
    /// Whose scratch the layer may fill: that of the thread it runs on.
    let scratchMemory: WorkerMemory

    init(layer: PlannedLayer, memory: WorkerMemory, scratchMemory: WorkerMemory? = nil) {
        self.layer = layer
        self.memory = memory
        self.scratchMemory = scratchMemory ?? memory
    }

    /// Whether this is a step of training, in which dropout drops. Backward may follow in either phase.
    public var isTraining: Bool { memory.phase == .training }

    /// What computes products and convolutions.
    public var backend: Backend { memory.backend }

    /// Of activations.
    public var layout: Layout { memory.layout }

    /// The layer's parameter, under the index at which it was booked, in the order of memory.
    public func parameter(_ index: Int) -> FloatView {
        memory.parameters.slice(layer.parameters[index].range)
    }

    /// Where to add the gradient of a parameter, or nil where it is not wanted: the parameter is frozen.
    public func gradient(_ index: Int) -> FloatView? {
        guard let gradient = parameterGradient(index) else { return nil }
        if !gradient.isAddition { gradient.values.fill(0) }
        return gradient.values
    }

    /// As `gradient`, for a layer that can as well write a gradient as add to it. To be asked once for each contribution.
    public func parameterGradient(_ index: Int) -> ParameterGradient? {
        memory.lane?.gradient(of: layer.parameters[index])
    }

    /// Where to leave the factors of a parameter's gradient, a row for each of the shard's images, or nil where it has none
    /// or is not wanted: the gradient is the sum over the batch of `outputGradients[i]^T inputs[i]`. To be asked for once in a
    /// backward pass.
    func gradientFactors(_ index: Int) -> (outputGradients: MatrixView, inputs: MatrixView)? {
        memory.lane?.factors(of: layer.parameters[index], images: memory.images)
    }

    /// Memory that lasts from forward to backward.
    public func saved(_ index: Int) -> FloatView {
        memory.saved.slice(memory.plan.savedRanges[layer.firstSaved + index])
    }

    /// The extents the layer was planned for, of one image.
    public var inputShape: Shape { layer.input }
    public var outputShape: Shape { layer.output }

    /// Whether backward follows forward.
    public var computesGradients: Bool { memory.computesGradients }

    /// What `prepare` has filled; nil where none was booked under that index.
    public func prepared(_ index: Int) -> FloatView? {
        guard layer.prepared.indices.contains(index) else { return nil }
        return memory.prepared.slice(memory.plan.preparedRanges[layer.firstPrepared + index])
    }

    /// As `prepared`; where there is never a backward pass it is empty.
    public func preparedForBackward(_ index: Int) -> FloatView? {
        guard layer.preparedForBackward.indices.contains(index) else { return nil }
        let place = layer.firstPrepared + layer.prepared.count + index
        return memory.prepared.slice(memory.plan.preparedRanges[place])
    }

    /// Memory that lasts for this call.
    public func scratch(_ index: Int) -> FloatView {
        scratchMemory.scratch.slice(memory.plan.scratchRanges[layer.firstScratch + index])
    }

    /// Does the layer's work in shares, which write to places of their own: all at once here, or one on each thread
    /// where all threads work on one shard together. The context that `body` is given has that thread's scratch.
    public func forEachShare(_ body: @Sendable (_ share: Share, _ context: LayerContext) -> Void) {
        guard let crew = memory.crew else { return body(.all, self) }
        let (layer, memory) = (layer, memory)
        withoutActuallyEscaping(body) { body in
            crew.workers.run(jobs: crew.memories.count) { job, worker in
                crew.memories[worker].timed(.forward(of: layer)) {
                    body(
                        Share(job, of: crew.memories.count),
                        LayerContext(layer: layer, memory: memory, scratchMemory: crew.memories[job]))
                }
            }
        }
    }

    /// The random numbers of one image of the batch, at this layer and step, for `purpose`.
    public func random(_ purpose: CounterRandom.Purpose, image: Int) -> CounterRandom {
        CounterRandom(
            seed: memory.seed, purpose: purpose, unit: layer.identifier, epoch: memory.step,
            sample: memory.images.lowerBound + image)
    }

    /// Runs a layer inside a container.
    public func forward(child index: Int, _ input: Tensor, into output: Tensor) {
        child(index).forward(input, into: output)
        record(child: index, output)
    }

    /// Runs a layer inside a container backward; see `Layer.backward`.
    public func backward(
        child index: Int, _ outputGradient: Tensor, input: Tensor, output: Tensor,
        inputGradient: GradientDestination
    ) {
        recordGradient(child: index, outputGradient)
        child(index).backward(outputGradient, input: input, output: output, inputGradient: inputGradient)
    }

    /// Runs the context's own layer.
    func forward(_ input: Tensor, into output: Tensor) {
        memory.timed(.forward(of: layer)) { layer.running.forward(input, into: output, self) }
    }

    /// Runs the context's own layer backward.
    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination
    ) {
        memory.timed(.backward(of: layer)) {
            layer.running.backward(
                outputGradient, input: input, output: output, inputGradient: inputGradient, self)
        }
        if inputGradient.tensor != nil { memory.timer?.noteInputGradient(of: layer) }
    }

    /// The context of a layer inside a container.
    private func child(_ index: Int) -> LayerContext {
        LayerContext(layer: layer.children[index], memory: memory)
    }

    /// Shows a layer's output to who asked to see it.
    func record(child index: Int, _ output: Tensor) {
        guard let observer = memory.observer, !layer.children[index].isUnnamed else { return }
        observer(layer.children[index], output, memory.images.lowerBound)
    }

    /// Shows the gradient of a layer's output to who asked to see it.
    func recordGradient(child index: Int, _ outputGradient: Tensor) {
        guard let observer = memory.gradientObserver, !layer.children[index].isUnnamed else { return }
        observer(layer.children[index], outputGradient, memory.images.lowerBound)
    }

    /// The output's shape of a layer inside a container.
    public func outputShape(ofChild index: Int) -> Shape { layer.children[index].output }
}

/// Where a contribution to a parameter's gradient goes.
public struct ParameterGradient: Sendable {
    public let values: FloatView
    /// Whether it is to be added to what the memory holds. If not, all of it must be written, whatever it holds.
    public let isAddition: Bool
}

/// Threads that do each layer of a shard together, and the scratch of each.
struct Crew: Sendable {
    let workers: Workers
    let memories: [WorkerMemory]
}

/// What one worker runs layers in; one shard of the batch at a time.
final class WorkerMemory: @unchecked Sendable {
    let plan: MemoryPlan
    let parameters: FloatView
    let prepared: FloatView
    let backend: Backend
    let layout: Layout
    private let arena: FloatBuffer
    let saved: FloatView
    let scratch: FloatView
    /// Where gradients are summed up; nil where none are computed.
    var lane: Lane?
    var targets: ShardTargets
    var phase = Phase.evaluation
    var computesGradients = false
    /// Who works on the shard together, or nil where this thread does alone.
    var crew: Crew?
    var observer: Executor.Observer?
    var gradientObserver: Executor.Observer?
    /// Where the worker's time goes; nil where nobody asks.
    var timer: WorkerTimer?
    var seed: UInt64 = 0
    var step = 0
    /// The shard's places in the batch.
    var images = 0..<0

    /// - Parameter savesActivations: whether the worker runs whole shards, and not only shares of layers.
    init(
        _ plan: MemoryPlan, output: Shape, savesActivations: Bool, parameters: FloatView,
        prepared: FloatView, backend: Backend, layout: Layout
    ) throws {
        self.plan = plan
        self.backend = backend
        self.layout = layout
        self.parameters = parameters
        self.prepared = prepared
        targets = try ShardTargets(images: plan.images, output: output, layout: layout)
        let savedFloats = savesActivations ? plan.savedFloats : 0
        arena = try FloatBuffer(count: savedFloats + plan.scratchFloats)
        saved = arena.view.slice(0..<savedFloats)
        scratch = arena.view.slice(savedFloats..<arena.count)
    }

    /// Runs `body`, and books its time to `account` where somebody asks.
    func timed(_ account: WorkerTimer.Account, _ body: () -> Void) {
        if let timer { timer.run(account, body) } else { body() }
    }

    /// Fills all booked memory, to show that nothing is read before it is written.
    func poison(_ value: Float) { arena.view.fill(value) }
}
