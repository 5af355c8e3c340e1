import ApusKernels
import ApusNN
import TestSupport

/// A batch whose images lie in arrays, `[channels, height, width]`; by default its labels are the images'
/// positions.
final class ArrayBatch: BatchSource {
    let images: [[Float]]
    let labels: [Int]

    init(images: [[Float]], labels: [Int]? = nil) {
        self.images = images
        self.labels = labels ?? Array(images.indices)
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        tensor.load(index, channelsFirst: images[position])
    }

    func label(at position: Int) -> Int { labels[position] }
}

/// The sum of the products of outputs and fixed weights, whose gradient is those weights: any upstream
/// gradient, a different one for each element.
///
/// Labels are the images' positions. The gradient is that of the sum, not the mean, over the batch.
struct UpstreamLoss: Loss {
    /// For each image, `[channels, height, width]`.
    let upstream: [[Float]]

    func check(_ shape: Shape) throws {}

    func evaluate(outputs: Tensor, labels: ArraySlice<Int32>, scale: Float, gradient: Tensor?) -> Double {
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            let weights = upstream[Int(label)]
            let values = outputs.images(image..<image + 1).channelsFirstArray
            for (value, weight) in zip(values, weights) { sum += Double(value) * Double(weight) }
            gradient?.load(image, channelsFirst: weights)
        }
        return sum
    }
}

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
        executor.reduceGradients(0..<executor.network.parameterBlock.count)
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
