import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("SqueezeNet learns", .serialized)
struct SqueezeNetOverfittingTests {
    @Test("one batch of 32 images of 224x224 and a thousand classes by heart")
    func overfitting() throws {
        let network = try Network(SqueezeNet1_1(), seed: 1)
        let executor = try Executor(network, batchSize: 32)
        let optimizer = Adam(learningRate: 5e-4)
        let updater = try ParameterUpdater(executor, optimizer, clipNorm: nil)
        let batch = PatternBatch()
        var losses: [Double] = []
        for step in 1...80 {
            losses.append(
                executor.computeGradients(
                    batch, count: 32, loss: SoftmaxCrossEntropy(), seed: 1, step: step
                ).loss)
            updater.apply(step: step, rate: optimizer.learningRate)
            print(step, losses.last!)
            if losses.last! < 0.02 { break }
        }
        #expect(losses[0] > 6.5)
        #expect(executor.infer(batch, count: 32, loss: SoftmaxCrossEntropy()).loss < 0.05)
    }
}

/// 32 images of stripes, each with an angle, a width and colours of its own, and each of a class of its own
/// among a thousand.
private final class PatternBatch: BatchSource {
    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        let (fast, slow) = (Float(position % 8), Float(position / 8))
        let (rise, run) = (0.02 + 0.02 * fast, 0.02 + 0.04 * slow)
        for y in 0..<tensor.shape.height {
            for x in 0..<tensor.shape.width {
                let phase = rise * Float(x) + run * Float(y)
                for channel in 0..<3 {
                    tensor[index, y, x, channel] = sin(phase + Float(channel) * fast) + slow - 1.5
                }
            }
        }
    }

    func label(at position: Int) -> Int { position * 31 }
}
