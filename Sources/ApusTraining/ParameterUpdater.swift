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
    private var reduceJob: Workers.Body?
    private var updateJob: Workers.Body?

    // The step under way.
    private var parameters: FloatView
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
    init(
        _ executor: Executor, _ optimizer: any Optimizer, clipNorm: Double?, average: WeightAverage?
    ) throws {
        self.executor = executor
        self.average = average
        self.optimizer = optimizer
        self.clipNorm = clipNorm
        parameters = executor.network.parameterBlock
        blockSize = executor.network.trainedFloats
        state = try FloatBuffer(count: blockSize * optimizer.stateCount)
        partialNorms = (0..<(blockSize + Self.runLength - 1) / Self.runLength).map { _ in PartialNorm() }
        reduceJob = { [unowned self] run, worker in
            let range = range(of: run)
            self.executor.reduceGradients(range, worker: worker)
            self.executor.timedUpdate(worker: worker) {
                partialNorms[run].squares = Reductions.sumOfSquares(self.executor.gradients.slice(range))
            }
        }
        updateJob = { [unowned self] run, worker in
            let range = range(of: run)
            if self.clipNorm == nil { self.executor.reduceGradients(range, worker: worker) }
            self.executor.timedUpdate(worker: worker) {
                self.optimizer.update(
                    self.parameters.slice(range),
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
        parameters = executor.network.changingParameterBlock
        self.step = step
        self.rate = rate
        gradientScale = 1
        if let clipNorm {
            executor.workers.run(jobs: partialNorms.count, reduceJob!)
            let norm = partialNorms.reduce(0) { $0 + $1.squares }.squareRoot()
            // As PyTorch's clip_grad_norm_ has it.
            gradientScale = Float(min(1, clipNorm / (norm + 1e-6)))
        }
        executor.workers.run(jobs: partialNorms.count, updateJob!)
    }

    private func range(of run: Int) -> Range<Int> {
        run * Self.runLength..<min((run + 1) * Self.runLength, blockSize)
    }
}

/// A run's share of the gradient's squared length, written by whichever thread takes the run.
private final class PartialNorm: @unchecked Sendable {
    var squares = 0.0
}
