import ApusKernels
import ApusNN
import Testing

/// Plain gradient descent on one batch of noise drives its loss towards zero, which no wrong gradient does.
@Suite struct OverfittingTests {
    @Test(arguments: Layout.allCases)
    func oneBatchIsLearntByHeart(layout: Layout) throws {
        let model = Sequential {
            Conv2D(1, 8, kernel: 3)
            ReLU()
            MaxPool2D(kernelSize: 2)
            Flatten()
            Linear(72, 4)
        }
        let network = try Network(
            model, input: Shape(height: 8, width: 8, channels: 1), seed: 1, layout: layout)
        let batch = ArrayBatch(images: uniformArrays(16, of: 64, seed: 1), labels: (0..<16).map { $0 % 4 })
        let executor = try Executor(network, batchSize: 16)
        let loss = SoftmaxCrossEntropy()
        let first = executor.infer(batch, count: 16, loss: loss)
        for step in 0..<400 {
            _ = executor.computeGradients(batch, count: 16, loss: loss, step: step)
            executor.reduceGradients()
            network.changeParameters {
                Updates.sgd(
                    parameters: $0, gradients: executor.gradients, velocity: nil, rate: 0.2, momentum: 0,
                    isNesterov: false, weightDecay: 0, gradientScale: 1)
            }
        }
        let last = executor.infer(batch, count: 16, loss: loss)
        #expect(first.loss > 1 && first.correct < 12)
        #expect(last.loss < 0.05 && last.correct == 16)
    }
}
