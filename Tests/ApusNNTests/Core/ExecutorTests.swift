import ApusKernels
import ApusNN
import Testing
import TestSupport

/// A small network with a layer of every kind that computes gradients in a way of its own.
func branchedModel(dropout: Float = 0.3) -> Sequential {
    Sequential {
        Conv2D(2, 6, kernel: 3, padding: 1)
        ReLU()
        Dropout(rate: dropout)
        MaxPool2D(kernelSize: 2)
        Concat {
            Conv2D(6, 4, kernel: 1)
            Sequential {
                Conv2D(6, 5, kernel: 3, padding: 1)
                Tanh()
            }
        }
        Residual { Conv2D(9, 9, kernel: 3, padding: 1, groups: 3) }
        AveragePool2D(kernelSize: 2)
        Scale(9)
        Flatten()
        Dropout(rate: dropout)
        Linear(54, 10)
    }
}

@Suite struct ExecutorTests {
    static let shape = Shape(height: 12, width: 8, channels: 2)

    static func batch(_ count: Int) -> ArrayBatch {
        ArrayBatch(
            images: uniformArrays(count, of: shape.count, seed: 1), labels: (0..<count).map { $0 * 7 % 10 })
    }

    /// Whole numbers alone, exact in any order of summation: whatever cuts the batch, the sums are the same.
    private func integerNetwork(_ layout: Layout) throws -> Network {
        let network = try Network(
            Sequential {
                Conv2D(2, 3, kernel: 3, stride: 2)
                ReLU()
                MaxPool2D(kernelSize: 2, stride: 1)
                Flatten()
                Linear(24, 4)
            }, input: Self.shape, layout: layout)
        try network.randomize(seed: 3, integral: true)
        return network
    }

    private func integerBatch(_ count: Int) -> (batch: ArrayBatch, loss: UpstreamLoss) {
        (
            ArrayBatch(images: integerArrays(count, of: Self.shape.count, seed: 4)),
            UpstreamLoss(upstream: integerArrays(count, of: 4, seed: 5))
        )
    }

    @Test(arguments: Layout.allCases)
    func aBatchIsTheSumOfItsImages(layout: Layout) throws {
        let network = try integerNetwork(layout)
        let (batch, loss) = integerBatch(150)
        let whole = StepResult(
            try Executor(network, batchSize: 150, keepsInputGradient: true), batch, loss: loss)
        var outputs: [Float] = []
        var inputGradients: [Float] = []
        var gradients = [Float](repeating: 0, count: network.parameterBlock.count)
        var lossSum = 0.0
        let single = try Executor(network, batchSize: 1, keepsInputGradient: true)
        for position in 0..<150 {
            let one = StepResult(
                single, ArrayBatch(images: [batch.images[position]]),
                loss: UpstreamLoss(upstream: [loss.upstream[position]]))
            outputs += one.outputs
            inputGradients += one.inputGradients
            for place in gradients.indices { gradients[place] += one.gradients[place] }
            lossSum += one.outcome.lossSum
        }
        expectEqual(whole.outputs, outputs)
        expectEqual(whole.inputGradients, inputGradients)
        expectEqual(whole.gradients, gradients)
        #expect(whole.outcome.lossSum == lossSum)
        #expect(whole.gradients.contains { $0 != 0 })
    }

    /// Gradients are sums over 32 images and the pixels of each, added in another order: at most 64 roundings of each
    /// sum, were all its terms of one sign.
    @Test func aMeanLossHasTheMeanGradientOfTheBatchsParts() throws {
        let network = try Network(branchedModel(dropout: 0), input: Self.shape)
        let batch = Self.batch(32)
        let whole = StepResult(try Executor(network, batchSize: 32), batch, loss: SoftmaxCrossEntropy())
        let part = try Executor(network, batchSize: 8)
        var mean = [Float](repeating: 0, count: whole.gradients.count)
        for start in stride(from: 0, to: 32, by: 8) {
            let images = ArrayBatch(
                images: Array(batch.images[start..<start + 8]), labels: Array(batch.labels[start..<start + 8])
            )
            let gradients = StepResult(part, images, loss: SoftmaxCrossEntropy()).gradients
            for place in mean.indices { mean[place] += gradients[place] / 4 }
        }
        #expect(relativeNormError(mean, whole.gradients) < 64 * 0x1p-24)
    }

    @Test(arguments: [1, 15, 16, 17, 37, 129], Layout.allCases)
    func aPartialBatchEqualsAnExecutorOfItsSize(count: Int, layout: Layout) throws {
        let network = try integerNetwork(layout)
        let (batch, loss) = integerBatch(150)
        let large = try Executor(network, batchSize: 150, keepsInputGradient: true)
        _ = StepResult(large, batch, loss: loss)
        let partial = StepResult(large, batch, count: count, loss: loss)
        let exact = StepResult(
            try Executor(network, batchSize: count, keepsInputGradient: true), batch, count: count,
            loss: loss)
        #expect(partial == exact)
        #expect(partial.outputs.count == count * 4 && partial.outcome.images == count)
    }

    @Test(arguments: Layout.allCases)
    func nothingIsReadBeforeItIsWritten(layout: Layout) throws {
        let network = try Network(branchedModel(), input: Self.shape, layout: layout)
        let executor = try Executor(network, batchSize: 40, keepsInputGradient: true)
        let loss = SoftmaxCrossEntropy(labelSmoothing: 0.1)
        for count in [40, 23] {
            executor.poisonMemory(with: 0)
            let clean = StepResult(executor, Self.batch(40), count: count, loss: loss, seed: 1, step: 2)
            executor.poisonMemory(with: .nan)
            let poisoned = StepResult(executor, Self.batch(40), count: count, loss: loss, seed: 1, step: 2)
            #expect(poisoned == clean)
            #expect(clean.gradients.allSatisfy { $0.isFinite })
        }
    }

    @Test(arguments: Layout.allCases)
    func inferenceDrawsNoDropoutAndLeavesTheGradients(layout: Layout) throws {
        let network = try Network(branchedModel(), input: Self.shape, layout: layout)
        let executor = try Executor(network, batchSize: 20)
        let batch = Self.batch(20)
        let step = StepResult(executor, batch, loss: SoftmaxCrossEntropy(), seed: 1, step: 1)
        let outcome = executor.infer(batch, count: 20, loss: SoftmaxCrossEntropy())
        #expect(executor.gradients.array == step.gradients)
        let outputs = executor.outputs.channelsFirstArray
        #expect(outputs != step.outputs)

        let inference = try Executor(network, batchSize: 20, isTraining: false)
        #expect(inference.infer(batch, count: 20, loss: SoftmaxCrossEntropy()) == outcome)
        #expect(inference.outputs.channelsFirstArray == outputs)
        #expect(inference.memory.gradientBytes == 0)
        #expect(inference.memory.activationBytes < executor.memory.activationBytes)
        _ = inference.infer(batch, count: 20)
        #expect(inference.outputs.channelsFirstArray == outputs)
    }

    @Test func gradientsInEvaluationAreThoseWithoutDropout() throws {
        let network = try Network(branchedModel(), input: Self.shape)
        let plain = try Network(branchedModel(dropout: 0), input: Self.shape)
        let batch = Self.batch(20)
        let executor = try Executor(network, batchSize: 20, keepsInputGradient: true)
        let step = StepResult(executor, batch, loss: SoftmaxCrossEntropy(), seed: 1)
        let evaluated = StepResult(executor, batch, loss: SoftmaxCrossEntropy(), phase: .evaluation, seed: 1)
        #expect(evaluated.outputs != step.outputs)
        let expected = StepResult(
            try Executor(plain, batchSize: 20, keepsInputGradient: true), batch, loss: SoftmaxCrossEntropy())
        #expect(evaluated == expected)
    }

    @Test func inferenceInTrainingDropsAsAStepDoes() throws {
        let executor = try Executor(Network(branchedModel(), input: Self.shape), batchSize: 20)
        let batch = Self.batch(20)
        let step = StepResult(executor, batch, loss: SoftmaxCrossEntropy(), seed: 3)
        let outcome = executor.infer(
            batch, count: 20, loss: SoftmaxCrossEntropy(), phase: .training, seed: 3)
        #expect(outcome == step.outcome)
        #expect(executor.outputs.channelsFirstArray == step.outputs)
    }

    @Test func imagesWhoseGreatestOutputIsTheirClassAreCorrect() throws {
        let network = try Network(ReLU(), input: .features(3))
        let batch = ArrayBatch(
            images: [[3, 1, 2], [0, 1, 5], [9, 9, 1], [0, 4, 1]], labels: [0, 1, 0, 1])
        let outcome = try Executor(network, batchSize: 4, isTraining: false).infer(
            batch, count: 4, loss: MeanSquaredError())
        #expect(outcome.correct == 3 && outcome.images == 4)
        #expect(outcome.loss == outcome.lossSum / 4)
    }
}
