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
        func step(_ number: Int) -> Double {
            let outcome = executor.computeGradients(
                batch, count: 32, loss: SoftmaxCrossEntropy(), seed: 1, step: number)
            updater.apply(step: number, rate: optimizer.learningRate)
            return outcome.loss
        }
        // Chance is ln 1000.
        #expect(abs(step(1) - 6.908) < 0.1)
        // About 70 steps. Dropout stays on in them, so that a low loss may be that of a lucky step.
        func lossWithoutDropout() -> Double {
            executor.infer(batch, count: 32, loss: SoftmaxCrossEntropy()).loss
        }
        var number = 1
        repeat { number += 1 } while (step(number) > 0.05 || lossWithoutDropout() >= 0.1) && number < 200
        #expect(lossWithoutDropout() < 0.1)
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
