import ApusKernels

/// Runs a network over batches: forward, the loss, and backward.
///
/// A batch is cut into shards of a few images, whose activations stay in cache, and the shards are dealt to
/// up to twelve lanes (`ShardDeal`), each with a gradient block of its own and the shards it owns in order. Both follow from
/// the network and the batch alone. The lanes' gradients are added in a fixed tree, and those of wide matrices are
/// products for the whole batch (`GradientFactors`), so that results have the same bits for any number of threads. All
/// memory is allocated here, none in a step.
///
/// A batch may be computed in passes over a part of its images, the gradients adding up: a shard's lane is that which
/// it has in the whole batch.
///
/// Calls on one executor must not overlap.
public final class Executor: @unchecked Sendable {
    /// What a batch came to.
    public struct Outcome: Sendable, Hashable {
        public var images: Int
        /// What they count together in the mean loss: each 1, but for class weights.
        public var weight: Double
        /// The sum of the losses of the images, each times what it counts.
        public var lossSum: Double
        /// Images whose greatest output is that of their class, where they are mixed that of the greater share; none
        /// where outputs are maps.
        public var correct: Int

        /// The mean loss of an image.
        public var loss: Double { lossSum / weight }
    }

    public let network: Network
    /// The most images of a batch.
    public let batchSize: Int
    /// The most images that are computed at once.
    public let microBatchSize: Int
    public let workers: Workers
    public let isTraining: Bool

    private let shardSize: Int
    private let memories: [WorkerMemory]
    private let inputs: [FloatView]
    private let preparedBlock: FloatBuffer
    /// The layers that prepare something from their parameters, those they were last prepared from, and whether for
    /// backward too.
    private let preparers: [PlannedLayer]
    private var preparedVersion = -1
    private var isPreparedForBackward = false
    private let inputBlock: FloatBuffer
    private let outputBlock: FloatBuffer
    private let outputGradientBlock: FloatBuffer
    /// The gradients of the trained parameters: those that have factors, then the lanes', the first one's first.
    private let parameterGradientBlock: FloatBuffer
    private let inputGradientBlock: FloatBuffer?
    private let lanes: [Lane]
    private let factored: [GradientFactors]
    /// Floats of their gradients, which come first, and of a lane's, which has the others.
    private let factoredFloats: Int
    private let laneFloats: Int
    private let productScratch: FloatBuffer
    /// All trained parameters; none in inference.
    package let gradientRuns: [GradientRun]
    private var job: Workers.Body?
    private var prepareJob: Workers.Body?
    private var reduceJob: Workers.Body?

    /// Sees a layer's output, right after it was computed, or its gradient, for images of the batch from `firstImage`
    /// on.
    public typealias Observer = @Sendable (_ layer: PlannedLayer, _ output: Tensor, _ firstImage: Int) -> Void

    /// Sees the output of every layer that has a name, on the workers' threads; nil for nobody. A ReLU or a pool that the
    /// layer before it computes shows in that one's output: plan with `fusesActivations: false` to see both.
    public var observer: Observer? {
        didSet { for memory in memories { memory.observer = observer } }
    }

    /// Sees the gradient with respect to the output of every layer that has a name, right before that layer runs
    /// backward, as `observer` sees outputs: each image's share of the gradient of the loss. Layers below the lowest
    /// one that is trained run backward only where `keepsInputGradient`. Where a layer ends in a ReLU it may be the gradient of that
    /// one's input: plan with `fusesActivations: false` to see that of its output.
    public var gradientObserver: Observer? {
        didSet { for memory in memories { memory.gradientObserver = gradientObserver } }
    }

    /// Whether the workers' time is measured, from zero when this is set; see `profile`. Results are the same.
    public var isProfiling = false {
        didSet {
            timers = isProfiling ? (0..<workers.count).map { _ in WorkerTimer(network.root) } : []
            for (worker, memory) in memories.enumerated() {
                memory.timer = isProfiling ? timers[worker] : nil
            }
        }
    }
    /// Of all workers, while their time is measured.
    private(set) var timers: [WorkerTimer] = []

    // The batch under way.
    private var source: (any BatchSource)?
    private var loss: (any Loss)?
    private var computesGradients = false
    private var images = 0
    private var lossScale: Float = 0
    private var deal: ShardDeal { ShardDeal(images: images, shardSize: shardSize) }
    /// The images that are computed at once, now or last.
    private var pass = 0..<0

    /// Allocates what running `network` over batches of up to `batchSize` images takes.
    ///
    /// - Parameters:
    ///   - microBatch: the images of a pass, rounded to whole shards; by default the batch. Results have the same
    ///     bits, but `outputs` and `inputGradients` are those of the last pass alone, which is what it saves:
    ///     activations are kept for a shard in any case, and factors of gradients for the batch. A pass of fewer shards
    ///     than threads leaves some idle.
    ///   - isTraining: whether gradients are computed; without, less memory is taken.
    ///   - keepsInputGradient: whether the gradient with respect to the images is computed too.
    /// - Throws: `PlanningError` where the batch is empty or absurd, or there is nothing to train;
    ///   `AllocationError` where memory runs out.
    public init(
        _ network: Network, batchSize: Int, microBatch: Int? = nil, workers: Workers = Workers(),
        isTraining: Bool = true, keepsInputGradient: Bool = false
    ) throws {
        try Executor.check(batchSize: batchSize)
        if let microBatch { try Executor.check(batchSize: microBatch) }
        guard !isTraining || network.trainedFloats > 0 || keepsInputGradient else {
            throw PlanningError(
                reason: network.parameters.isEmpty
                    ? "nothing to train: the network has no parameters"
                    : "nothing to train: all \(network.parameters.count) parameters are frozen")
        }
        self.network = network
        self.batchSize = batchSize
        self.workers = workers
        self.isTraining = isTraining
        shardSize = Executor.shardSize(network, batchSize: batchSize)
        microBatchSize = Executor.microBatchSize(microBatch, batchSize: batchSize, shardSize: shardSize)
        let laneCount = ShardDeal(images: batchSize, shardSize: shardSize).laneCount
        // More workers than lanes find something to do in inference alone, where they share the work inside a layer.
        let active = min(workers.count, laneCount)
        let plan = MemoryPlan(network.root, images: shardSize, keepsActivations: isTraining)
        preparedBlock = try FloatBuffer(count: plan.preparedFloats)
        preparers = network.root.withPreparedMemory
        memories = try (0..<(isTraining ? active : workers.count)).map { [preparedBlock] worker in
            try WorkerMemory(
                plan, output: network.output, savesActivations: worker < active,
                parameters: network.parameterBlock, prepared: preparedBlock.view,
                backend: network.backend, layout: network.layout)
        }
        let imageFloats = FloatBuffer.aligned(shardSize * network.input.count)
        inputBlock = try FloatBuffer(count: imageFloats * active)
        inputs = (0..<active).map { [inputBlock] in
            inputBlock.view.slice($0 * imageFloats..<($0 + 1) * imageFloats)
        }
        let outputFloats = network.layout.floats(batch: microBatchSize, network.output)
        outputBlock = try FloatBuffer(count: outputFloats)
        outputGradientBlock = try FloatBuffer(count: isTraining ? outputFloats : 0)
        factored =
            try isTraining
            ? network.factoredLayers(batchSize: batchSize).map {
                try GradientFactors($1, of: $0, backend: network.backend, batchSize: batchSize)
            } : []
        factoredFloats = factored.isEmpty ? 0 : network.factoredFloats
        laneFloats = network.trainedFloats - factoredFloats
        productScratch = try FloatBuffer(
            count: factored.isEmpty ? 0 : workers.count * DirectProduct.scratchCount)
        gradientRuns = isTraining ? GradientRun.all(of: network, factored) : []
        let (first, floats) = (factoredFloats, laneFloats)
        parameterGradientBlock = try FloatBuffer(count: isTraining ? first + laneCount * floats : 0)
        var factorsOfParameters = [GradientFactors?](repeating: nil, count: network.parameters.count)
        for factors in factored { factorsOfParameters[factors.parameter.index] = factors }
        lanes = (0..<laneCount).map { [parameterGradientBlock, factorsOfParameters] index in
            let start = first + index * floats
            return Lane(
                gradients: isTraining ? parameterGradientBlock.view.slice(start..<start + floats) : nil,
                firstFloat: first, factors: factorsOfParameters)
        }
        inputGradientBlock =
            keepsInputGradient
            ? try FloatBuffer(count: network.layout.floats(batch: microBatchSize, network.input)) : nil
        prepareJob = { [unowned self] index, worker in
            // Turned layer by layer: workers take jobs in turn, and all shares that have a whole would be one's.
            let (number, share) = index.quotientAndRemainder(dividingBy: self.workers.count)
            let turned = (share + number) % self.workers.count
            timed(.preparation, worker: worker) {
                let layer = preparers[number]
                layer.running.prepare(
                    LayerContext(layer: layer, memory: memories[0]),
                    share: Share(turned, of: self.workers.count))
            }
        }
        reduceJob = { [unowned self] run, worker in reduceGradients(run: run, worker: worker) }
        job = { [unowned self] lane, worker in
            timed(.dealing, worker: worker) { runLane(lane, worker: worker) }
        }
    }

    /// The outputs of the last pass: of the whole batch, but for micro-batches; `[images, ...]`.
    public var outputs: Tensor {
        Tensor(outputBlock.view, batch: pass.count, shape: network.output, layout: network.layout)
    }

    /// Runs the first `count` images of `source` forward.
    ///
    /// - Parameters:
    ///   - loss: judges the outputs; without one only `outputs` is computed.
    ///   - phase: whether dropout and the like act, drawing from `seed`.
    public func infer(
        _ source: any BatchSource, count: Int, loss: (any Loss)? = nil, phase: Phase = .evaluation,
        seed: UInt64 = 0
    ) -> Outcome {
        run(source, count: count, loss: loss, computesGradients: false, phase: phase, seed: seed, step: 0)
    }

    /// Runs the first `count` images of `source` forward and backward. The gradients of the mean loss are there once
    /// `reduceGradients` has put them together.
    ///
    /// - Parameters:
    ///   - phase: whether dropout and the like act.
    ///   - seed: of dropout and the like, with `step` the number of the optimiser's step.
    public func computeGradients(
        _ source: any BatchSource, count: Int, loss: any Loss, phase: Phase = .training, seed: UInt64 = 0,
        step: Int = 0
    ) -> Outcome {
        precondition(isTraining, "this executor was made for inference")
        return run(
            source, count: count, loss: loss, computesGradients: true, phase: phase, seed: seed, step: step)
    }

    /// Puts the gradients of the last batch together: `gradients`.
    public func reduceGradients() { workers.run(jobs: gradientRuns.count, reduceJob!) }

    /// Puts together those of a run, in a job of `worker`.
    package func reduceGradients(run: Int, worker: Int) {
        if let (factors, rows) = gradientRuns[run].factors {
            let count = DirectProduct.scratchCount
            timed(.backward(of: factors.layer), worker: worker) {
                factors.multiply(
                    rows, images: images, into: gradients,
                    scratch: productScratch.view.slice(worker * count..<(worker + 1) * count))
            }
        } else {
            timed(.reduction, worker: worker) {
                let (first, range) = (factoredFloats, gradientRuns[run].range)
                Reductions.addTree(
                    parameterGradientBlock.view.slice(first..<parameterGradientBlock.count),
                    of: laneFloats, count: deal.laneCount,
                    range: range.lowerBound - first..<range.upperBound - first)
            }
        }
    }

    /// The gradients of the last batch, laid out as the network's trained parameters, once they are reduced.
    public var gradients: FloatView {
        precondition(isTraining, "this executor was made for inference")
        return parameterGradientBlock.view.slice(0..<network.trainedFloats)
    }

    /// The gradient of the last batch's mean loss with respect to the images of the last pass, if it was asked
    /// for.
    public var inputGradients: Tensor? {
        inputGradientBlock.map {
            Tensor($0.view, batch: pass.count, shape: network.input, layout: network.layout)
        }
    }

    /// Fills all memory but the parameters, to show that nothing is read before it is written.
    package func poisonMemory(with value: Float) {
        for memory in memories { memory.poison(value) }
        for block in [
            inputBlock, outputBlock, outputGradientBlock, parameterGradientBlock, productScratch,
            preparedBlock,
        ] {
            block.view.fill(value)
        }
        for factors in factored { factors.poison(value) }
        preparedVersion = -1
        inputGradientBlock?.view.fill(value)
    }

    private func run(
        _ source: any BatchSource, count: Int, loss: (any Loss)?, computesGradients: Bool, phase: Phase,
        seed: UInt64, step: Int
    ) -> Outcome {
        precondition(
            count > 0 && count <= batchSize, "a batch of \(count) images in an executor of \(batchSize)")
        self.source = source
        self.loss = loss
        self.computesGradients = computesGradients
        images = count
        let weight = loss?.weight(of: source, count: count) ?? Double(count)
        lossScale = 1 / Float(weight)
        for memory in memories {
            memory.phase = phase
            memory.seed = seed
            memory.step = step
            memory.computesGradients = computesGradients
        }
        prepare()
        for start in stride(from: 0, to: count, by: microBatchSize) {
            pass = start..<min(start + microBatchSize, count)
            if isTraining || deal.turn >= workers.count {
                workers.run(jobs: deal.laneCount, job!)
            } else {
                runTogether()
            }
        }
        self.source = nil
        self.loss = nil
        var outcome = Outcome(images: count, weight: weight, lossSum: 0, correct: 0)
        for lane in lanes[..<deal.laneCount] {
            outcome.lossSum += lane.lossSum
            outcome.correct += lane.correct
        }
        return outcome
    }

    /// Lets layers prepare what they make of parameters that have changed.
    private func prepare() {
        let version = network.parameterVersion
        guard !preparers.isEmpty,
            version != preparedVersion || computesGradients && !isPreparedForBackward
        else { return }
        preparedVersion = version
        isPreparedForBackward = computesGradients
        workers.run(jobs: preparers.count * workers.count, prepareJob!)
    }

    /// Runs the lanes one after the other, all threads in each layer.
    private func runTogether() {
        memories[0].crew = Crew(workers: workers, memories: memories)
        defer { memories[0].crew = nil }
        Workers.flushingDenormals {
            for lane in 0..<deal.laneCount { job!(lane, 0) }
        }
    }

    private func runLane(_ index: Int, worker: Int) {
        let (lane, memory) = (lanes[index], memories[worker])
        if pass.lowerBound == 0 { lane.begin() }
        memory.lane = computesGradients ? lane : nil
        // A pass begins with a whole shard.
        let shards = pass.lowerBound / shardSize..<Executor.shardCount(pass.upperBound, shardSize)
        for shard in deal.shards(of: index, in: shards) {
            let range = shard * shardSize..<min((shard + 1) * shardSize, images)
            runShard(range, lane, memory, inputs[worker])
        }
    }

    private func runShard(_ range: Range<Int>, _ lane: Lane, _ memory: WorkerMemory, _ room: FloatView) {
        let source = source!
        let input = Tensor(room, batch: range.count, shape: network.input, layout: network.layout)
        memory.timed(.loading) { source.load(range, into: input) }
        memory.images = range
        let context = LayerContext(layer: network.root, memory: memory)
        let place = range.lowerBound - pass.lowerBound..<range.upperBound - pass.lowerBound
        let output = outputs.images(place)
        context.forward(input, into: output)
        guard let loss else { return }
        let gradient =
            computesGradients
            ? Tensor(
                outputGradientBlock.view, batch: pass.count, shape: network.output, layout: network.layout
            )
            .images(place)
            : nil
        memory.timed(.loss) {
            memory.targets.load(range, of: source)
            lane.lossSum += memory.targets.evaluate(
                loss, outputs: output, scale: lossScale, gradient: gradient)
            lane.correct += memory.targets.correct(output)
        }
        if let gradient {
            context.backward(
                gradient, input: input, output: output,
                inputGradient: inputGradients.map { .overwrite($0.images(place)) } ?? .discard)
            lane.complete(network.parameters, images: range)
        }
    }
}
