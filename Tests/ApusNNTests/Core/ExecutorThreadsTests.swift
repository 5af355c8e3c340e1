import ApusKernels
import ApusNN
import TestSupport
import Testing

/// Outputs, loss and all gradients have the same bits whatever the number of threads.
@Suite(.serialized) struct ExecutorThreadsTests {
    @Test(arguments: [1, 5, 37, 150, 260], Layout.allCases)
    func anyNumberOfThreadsGivesTheSameBits(count: Int, layout: Layout) throws {
        let network = try Network(branchedModel(), input: ExecutorTests.shape, layout: layout)
        let batch = ExecutorTests.batch(count)
        let results = try [1, 2, 3, 4, 8].map { threads in
            let executor = try Executor(
                network, batchSize: count, workers: Workers(count: threads), keepsInputGradient: true)
            return StepResult(executor, batch, loss: SoftmaxCrossEntropy(), seed: 5, step: 9)
        }
        for result in results.dropFirst() { expectSameBits(result, results[0]) }
        #expect(results[0].gradients.contains { $0 != 0 } && results[0].outcome.loss.isFinite)
    }

    @Test(arguments: [1, 3], Layout.allCases)
    func aSecondRunGivesTheSameBits(threads: Int, layout: Layout) throws {
        let network = try Network(branchedModel(), input: ExecutorTests.shape, layout: layout)
        let executor = try Executor(
            network, batchSize: 100, workers: Workers(count: threads), keepsInputGradient: true)
        let batch = ExecutorTests.batch(100)
        func run(step: Int) -> StepResult {
            StepResult(executor, batch, loss: SoftmaxCrossEntropy(), seed: 5, step: step)
        }
        let first = run(step: 1)
        let other = run(step: 2)
        expectSameBits(run(step: 1), first)
        #expect(other.outputs != first.outputs && other.gradients != first.gradients)
    }

    @Test(
        "A batch in passes gives the bits of the whole batch", arguments: [1, 16, 40, 259, 260, 300],
        Layout.allCases)
    func microBatches(size: Int, layout: Layout) throws {
        let network = try Network(branchedModel(), input: ExecutorTests.shape, layout: layout)
        let batch = ExecutorTests.batch(260)
        let whole = try Executor(network, batchSize: 260, workers: Workers(count: 3))
        let passes = try Executor(network, batchSize: 260, microBatch: size, workers: Workers(count: 3))
        for count in [260, 150, 70, 3] {
            var expected = StepResult(whole, batch, count: count, loss: SoftmaxCrossEntropy(), step: 4)
            passes.poisonMemory(with: .nan)
            let result = StepResult(passes, batch, count: count, loss: SoftmaxCrossEntropy(), step: 4)
            // Those of the last pass.
            expected.outputs = Array(expected.outputs.suffix(result.outputs.count))
            expectSameBits(result, expected)
        }
        #expect(passes.microBatchSize == 260 || passes.memory.totalBytes < whole.memory.totalBytes)
        #expect(passes.microBatchSize <= max(size, 16))
    }

    @Test(
        "Threads that share the work inside layers give the bits of one", arguments: [1, 2, 5],
        Layout.allCases)
    func sharedLayers(count: Int, layout: Layout) throws {
        let model = Sequential {
            Conv2D(2, 9, kernel: 3, padding: 1)
            ReLU()
            MaxPool2D(kernelSize: 3, stride: 2)
            Fire(9, squeeze: 5, expand: 7)
            MaxPool2D(kernelSize: 2, padding: 1)
            Conv2D(14, 10, kernel: 2)
            Conv2D(10, 6, kernel: 3, stride: 2, groups: 2)
            GlobalAveragePool2D()
        }
        let network = try Network(
            model, input: Shape(height: 23, width: 19, channels: 2), layout: layout)
        let batch = ArrayBatch(images: uniformArrays(count, of: network.input.count, seed: 3))
        let outputs = try [1, 2, 3, 8].map { threads in
            let executor = try Executor(
                network, batchSize: count, workers: Workers(count: threads), isTraining: false)
            executor.poisonMemory(with: .nan)
            _ = executor.infer(batch, count: count)
            return executor.outputs.channelsFirstArray.map(\.bitPattern)
        }
        for other in outputs.dropFirst() { #expect(other == outputs[0]) }
        #expect(outputs[0].contains { $0 != outputs[0][0] })
    }

    @Test func executorsMayShareTheirWorkers() throws {
        let network = try Network(branchedModel(), input: ExecutorTests.shape)
        let workers = Workers(count: 2)
        let training = try Executor(network, batchSize: 30, workers: workers)
        let inference = try Executor(network, batchSize: 50, workers: workers, isTraining: false)
        let batch = ExecutorTests.batch(50)
        let first = StepResult(training, batch, count: 30, loss: SoftmaxCrossEntropy())
        let outcome = inference.infer(batch, count: 50, loss: SoftmaxCrossEntropy())
        expectSameBits(StepResult(training, batch, count: 30, loss: SoftmaxCrossEntropy()), first)
        #expect(inference.infer(batch, count: 50, loss: SoftmaxCrossEntropy()) == outcome)
    }

    private func expectSameBits(
        _ result: StepResult, _ expected: StepResult, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
        #expect(bits(result.outputs) == bits(expected.outputs), sourceLocation: sourceLocation)
        #expect(result.outcome == expected.outcome, sourceLocation: sourceLocation)
        #expect(bits(result.gradients) == bits(expected.gradients), sourceLocation: sourceLocation)
        #expect(bits(result.inputGradients) == bits(expected.inputGradients), sourceLocation: sourceLocation)
    }
}
