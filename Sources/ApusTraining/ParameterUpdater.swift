import ApusKernels
import ApusNN

/// Moves a network's parameters by an optimiser, on the executor's workers, in its runs.
package final class ParameterUpdater: @unchecked Sendable {
    package let optimizer: any Optimizer
    /// The optimiser's state blocks, each laid out as the trained parameters.
    package let state: FloatBuffer

    private let executor: Executor
    private let clipNorm: Double?
    private let blockSize: Int
    private let partialNorms: [PartialNorm]
    /// Of shared parameters, in the order of their places.
    private let sharedGradients: [SharedGradient]
    private var reduceJob: Workers.Body?
    private var shareJob: Workers.Body?
    private var updateJob: Workers.Body?

    private let current = Step()

    /// - Parameter clipNorm: the greatest length of the gradient; longer ones are shortened to it.
    package convenience init(_ executor: Executor, _ optimizer: any Optimizer, clipNorm: Double?) throws {
        try self.init(executor, optimizer, clipNorm: clipNorm, average: nil)
    }

    /// - Parameters:
    ///   - clipNorm: the greatest length of the gradient; longer ones are shortened to it.
    ///   - average: follows the parameters.
    ///   - constraints: of parameters that are trained.
    init(
        _ executor: Executor, _ optimizer: any Optimizer, clipNorm: Double?, average: WeightAverage?,
        constraints: WeightConstraints = WeightConstraints()
    ) throws {
        self.executor = executor
        self.optimizer = optimizer
        self.clipNorm = clipNorm
        blockSize = executor.network.trainedFloats
        state = try FloatBuffer(count: blockSize * optimizer.stateCount)
        partialNorms = executor.gradientRuns.map { _ in PartialNorm() }
        let trained = executor.network.trainedParameters
        sharedGradients = trained.filter { constraints.shared.contains($0.name) }
            .map { SharedGradient($0.range) }.sorted { $0.range.lowerBound < $1.range.lowerBound }
        // Jobs hold what they need themselves. Of what they share through `self` each would count its references, in a line of
        // cache that all threads write.
        let runs = executor.gradientRuns.map(\.range)
        let (parameters, gradients) = (executor.network.parameterBlock, executor.gradients)
        let pruned = trained.filter { constraints.pruned.contains($0.name) }.map(\.range)
        let reduce = { @Sendable (run: Int, worker: Int) in
            executor.reduceGradients(run: run, worker: worker)
            for index in pruned.indices where pruned[index].overlaps(runs[run]) {
                let part = pruned[index].clamped(to: runs[run])
                executor.timedUpdate(worker: worker) {
                    Updates.maskGradients(gradients.slice(part), parameters: parameters.slice(part))
                }
            }
        }
        let (partialNorms, sharedGradients) = (partialNorms, sharedGradients)
        let needsNorm = clipNorm != nil
        reduceJob = { run, worker in
            reduce(run, worker)
            guard needsNorm else { return }
            executor.timedUpdate(worker: worker) {
                partialNorms[run].squares = Self.squares(gradients, runs[run], but: sharedGradients)
            }
        }
        shareJob = { index, worker in
            executor.timedUpdate(worker: worker) { sharedGradients[index].add(gradients, parameters) }
        }
        let (state, blockSize, current, reducesFirst) = (state.view, blockSize, current, reducesFirst)
        updateJob = { run, worker in
            let range = runs[run]
            if !reducesFirst { reduce(run, worker) }
            executor.timedUpdate(worker: worker) {
                optimizer.update(
                    parameters.slice(range), gradients: gradients.slice(range),
                    state: OptimizerState(blocks: state, blockSize: blockSize, range: range),
                    step: current.number, rate: current.rate, gradientScale: current.gradientScale)
                average?.follow(executor.network, step: current.number, range: range)
            }
        }
    }

    /// The state block of that index, laid out as the trained parameters.
    func stateBlock(_ index: Int) -> FloatView {
        OptimizerState(blocks: state.view, blockSize: blockSize, range: 0..<blockSize)[index]
    }

    /// Applies the gradients the executor has just computed, as step `step`, counted from 1.
    package func apply(step: Int, rate: Double) {
        current.number = step
        current.rate = rate
        current.gradientScale = 1
        if reducesFirst {
            executor.workers.run(jobs: partialNorms.count, reduceJob!)
            executor.workers.run(jobs: sharedGradients.count, shareJob!)
        }
        if let clipNorm {
            let squares = partialNorms.reduce(0) { $0 + $1.squares }
            let norm = sharedGradients.reduce(squares) { $0 + $1.squares }.squareRoot()
            // As PyTorch's clip_grad_norm_ has it.
            current.gradientScale = Float(min(1, clipNorm / (norm + 1e-6)))
        }
        executor.network.changeParameters { _ in
            executor.workers.run(jobs: partialNorms.count, updateJob!)
        }
    }

    /// Forgets which weights are equal, since they have been set anew.
    func forgetShares() {
        for gradient in sharedGradients { gradient.forget() }
    }

    /// Whether all gradients must be there before any parameter is moved.
    private var reducesFirst: Bool { clipNorm != nil || !sharedGradients.isEmpty }

    /// The squared length of the gradient in `range`, but for shared weights, which have theirs by the number.
    private static func squares(
        _ gradients: FloatView, _ range: Range<Int>, but sharedGradients: [SharedGradient]
    ) -> Double {
        var (sum, start) = (0.0, range.lowerBound)
        for shared in sharedGradients where shared.range.overlaps(range) {
            let part = shared.range.clamped(to: range)
            sum += Reductions.sumOfSquares(gradients.slice(start..<part.lowerBound))
            start = part.upperBound
        }
        return sum + Reductions.sumOfSquares(gradients.slice(start..<range.upperBound))
    }
}

/// What is the same for all runs of a step.
private final class Step: @unchecked Sendable {
    var number = 0
    var rate = 0.0
    var gradientScale: Float = 1
}

/// A run's share of the gradient's squared length, written by whichever thread takes the run.
private final class PartialNorm: @unchecked Sendable {
    var squares = 0.0
}
