import ApusKernels
import ApusNN

/// Moves a network's parameters by an optimiser, on the executor's workers, in runs of fixed length.
package final class ParameterUpdater: @unchecked Sendable {
    /// Parameters of a run: long enough to be worth a job, short enough to share among many threads.
    private static let runLength = 8192

    package let optimizer: any Optimizer
    /// The optimiser's state blocks, each laid out as the trained parameters.
    package let state: FloatBuffer

    private let executor: Executor
    private let average: WeightAverage?
    private let clipNorm: Double?
    private let blockSize: Int
    private let partialNorms: [PartialNorm]
    /// The places of pruned parameters, whose zeros have no gradient.
    private let prunedRanges: [Range<Int>]
    /// Of shared parameters, in the order of their places.
    private let sharedGradients: [SharedGradient]
    private var reduceJob: Workers.Body?
    private var shareJob: Workers.Body?
    private var updateJob: Workers.Body?

    // The step under way.
    private var step = 0
    private var rate = 0.0
    private var gradientScale: Float = 1

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
        self.average = average
        self.optimizer = optimizer
        self.clipNorm = clipNorm
        blockSize = executor.network.trainedFloats
        state = try FloatBuffer(count: blockSize * optimizer.stateCount)
        partialNorms = (0..<(blockSize + Self.runLength - 1) / Self.runLength).map { _ in PartialNorm() }
        let trained = executor.network.trainedParameters
        prunedRanges = trained.filter { constraints.pruned.contains($0.name) }.map(\.range)
        sharedGradients = trained.filter { constraints.shared.contains($0.name) }
            .map { SharedGradient($0.range) }
        reduceJob = { [unowned self] run, worker in
            let range = range(of: run)
            reduce(range, worker: worker)
            guard clipNorm != nil else { return }
            self.executor.timedUpdate(worker: worker) { partialNorms[run].squares = squares(range) }
        }
        shareJob = { [unowned self] index, worker in
            self.executor.timedUpdate(worker: worker) {
                sharedGradients[index].add(self.executor.gradients, self.executor.network.parameterBlock)
            }
        }
        updateJob = { [unowned self] run, worker in
            let range = range(of: run)
            if !reducesFirst { reduce(range, worker: worker) }
            self.executor.timedUpdate(worker: worker) {
                self.optimizer.update(
                    self.executor.network.parameterBlock.slice(range),
                    gradients: self.executor.gradients.slice(range),
                    state: OptimizerState(blocks: state.view, blockSize: blockSize, range: range),
                    step: self.step, rate: self.rate, gradientScale: self.gradientScale)
                self.average?.follow(self.executor.network, step: self.step, range: range)
            }
        }
    }

    /// The state block of that index, laid out as the trained parameters.
    func stateBlock(_ index: Int) -> FloatView {
        OptimizerState(blocks: state.view, blockSize: blockSize, range: 0..<blockSize)[index]
    }

    /// Applies the gradients the executor has just computed, as step `step`, counted from 1.
    package func apply(step: Int, rate: Double) {
        self.step = step
        self.rate = rate
        gradientScale = 1
        if reducesFirst {
            executor.workers.run(jobs: partialNorms.count, reduceJob!)
            executor.workers.run(jobs: sharedGradients.count, shareJob!)
        }
        if let clipNorm {
            let squares = partialNorms.reduce(0) { $0 + $1.squares }
            let norm = sharedGradients.reduce(squares) { $0 + $1.squares }.squareRoot()
            // As PyTorch's clip_grad_norm_ has it.
            gradientScale = Float(min(1, clipNorm / (norm + 1e-6)))
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

    private func reduce(_ range: Range<Int>, worker: Int) {
        executor.reduceGradients(range, worker: worker)
        for pruned in prunedRanges where pruned.overlaps(range) {
            let part = pruned.clamped(to: range)
            executor.timedUpdate(worker: worker) {
                Updates.maskGradients(
                    executor.gradients.slice(part), parameters: executor.network.parameterBlock.slice(part))
            }
        }
    }

    /// The squared length of the gradient in `range`, but for shared weights, which have theirs by the number.
    private func squares(_ range: Range<Int>) -> Double {
        var (sum, start) = (0.0, range.lowerBound)
        for shared in sharedGradients where shared.range.overlaps(range) {
            let part = shared.range.clamped(to: range)
            sum += Reductions.sumOfSquares(executor.gradients.slice(start..<part.lowerBound))
            start = part.upperBound
        }
        return sum + Reductions.sumOfSquares(executor.gradients.slice(start..<range.upperBound))
    }

    private func range(of run: Int) -> Range<Int> {
        run * Self.runLength..<min((run + 1) * Self.runLength, blockSize)
    }
}

/// A run's share of the gradient's squared length, written by whichever thread takes the run.
private final class PartialNorm: @unchecked Sendable {
    var squares = 0.0
}
