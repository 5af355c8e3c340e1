import ApusKernels
import ApusNN
import TestSupport

/// Everything a step of training computes.
struct StepResult: Equatable {
    var outputs: [Float]
    var outcome: Executor.Outcome
    var gradients: [Float]
    var inputGradients: [Float]

    init(
        _ executor: Executor, _ batch: ArrayBatch, count: Int? = nil, loss: any Loss,
        phase: Phase = .training, seed: UInt64 = 0, step: Int = 0
    ) {
        outcome = executor.computeGradients(
            batch, count: count ?? batch.images.count, loss: loss, phase: phase, seed: seed, step: step)
        executor.reduceGradients()
        outputs = executor.outputs.channelsFirstArray
        gradients = executor.gradients.array
        inputGradients = executor.inputGradients?.channelsFirstArray ?? []
    }
}

/// `count` arrays of `size` floats in [-1, 1).
func uniformArrays(_ count: Int, of size: Int, seed: UInt64) -> [[Float]] {
    (0..<count).map { uniformFloats(count: size, seed: seed << 32 | UInt64($0)) }
}

/// `count` arrays of `size` small whole numbers.
func integerArrays(_ count: Int, of size: Int, seed: UInt64) -> [[Float]] {
    (0..<count).map { integers(count: size, seed: seed << 32 | UInt64($0), range: -2...2) }
}

extension Network {
    /// Sets every parameter, biases and scales too, to numbers in [-1, 1), or to small whole ones.
    func randomize(seed: UInt64, integral: Bool = false) throws {
        for (index, parameter) in parameters.enumerated() {
            let seed = seed << 32 | UInt64(index)
            try setValues(
                integral
                    ? integers(count: parameter.count, seed: seed, range: -2...2)
                    : uniformFloats(count: parameter.count, seed: seed), of: parameter)
        }
    }
}
