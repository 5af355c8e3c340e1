import ApusKernels
import ApusNN
import Foundation
import ReferenceKernels
import Testing
import TestSupport

@Suite struct ActivationsTests {
    static let pairs: [(any Layer, ReferenceActivation)] = [
        (ReLU(), .relu), (Tanh(), .tanh), (ScaledTanh(), .scaledTanh), (Sigmoid(), .sigmoid),
    ]

    @Test(arguments: 0..<4, Layout.allCases)
    func gradientsEqualCentralDifferences(index: Int, layout: Layout) throws {
        let (layer, reference) = Self.pairs[index]
        let shape = Shape(height: 4, width: 5, channels: 3)
        // Alone, over its input's memory, and between layers that read its output.
        try expectGradients(of: layer, input: shape, layout: layout) { _, x in x.activated(reference) }
        let model = Sequential {
            Conv2D(3, 4, kernel: 2)
            layer
            Conv2D(4, 2, kernel: 1)
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            x.convolved(p, "0").activated(reference).convolved(p, "2")
        }
    }

    @Test func reluHasTheSlopeZeroAtZeroAndKeepsNaN() throws {
        let network = try Network(ReLU(), input: .features(4))
        let executor = try Executor(network, batchSize: 1, keepsInputGradient: true)
        let batch = ArrayBatch(images: [[-1, 0, 2, .nan]])
        let result = StepResult(executor, batch, loss: UpstreamLoss(upstream: [[3, 5, 7, 9]]))
        #expect(Array(result.outputs[..<3]) == [0, 0, 2] && result.outputs[3].isNaN)
        #expect(Array(result.inputGradients[..<3]) == [0, 0, 7])
    }

    /// LeCun et al. chose the constants so that ±1 map to ±1, to four digits.
    @Test func scaledTanhKeepsPlusAndMinusOne() throws {
        let network = try Network(ScaledTanh(), input: .features(2))
        let executor = try Executor(network, batchSize: 1, isTraining: false)
        _ = executor.infer(ArrayBatch(images: [[1, -1]]), count: 1)
        expectClose(executor.outputs.channelsFirstArray, [1, -1], absolute: 1e-4)
    }

    @Test(arguments: 0..<4)
    func farFromZeroNothingOverflows(index: Int) throws {
        let network = try Network(Self.pairs[index].0, input: .features(4))
        let executor = try Executor(network, batchSize: 1, keepsInputGradient: true)
        let result = StepResult(
            executor, ArrayBatch(images: [[-1e4, -100, 100, 1e4]]),
            loss: UpstreamLoss(upstream: [[1, 1, 1, 1]]))
        #expect((result.outputs + result.inputGradients).allSatisfy { $0.isFinite })
    }
}
