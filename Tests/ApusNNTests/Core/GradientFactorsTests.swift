import ApusKernels
import ApusNN
import TestSupport
import Testing

/// A container that runs its `Linear` backward for some shards alone, by the first number of the first image.
private struct Sometimes: Layer {
    static let (inputs, outputs) = (64, 64)

    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        let child = try planning.child("linear", Linear(Self.inputs, Self.outputs), input: shape)
        return LayerPlan(output: child.output, children: [child])
    }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        context.forward(child: 0, input, into: output)
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        guard input[0, 0, 0, 0] > 0 else { return }
        context.backward(
            child: 0, outputGradient, input: input, output: output, inputGradient: inputGradient)
    }
}

@Suite("Gradients made of factors")
struct GradientFactorsTests {
    private static let (inputs, outputs, classes, count) = (300, 270, 3, 300)
    /// The first weight has factors, in runs of 24 rows, and floats after it that belong to no parameter.
    private static let model = Sequential {
        Linear(inputs, outputs).named("first")
        Linear(inputs: outputs, outputs: classes, bias: false).named("second")
    }

    /// Of a network of small whole numbers, or of any, for a batch whose factors fill three panels of a product.
    private static func executor(
        _ layout: Layout, backend: Backend = .preferred, microBatch: Int? = nil, threads: Int = 2,
        integral: Bool = false, freezing: [NamePattern] = []
    ) throws -> Executor {
        let network = try Network(
            model, input: .features(inputs), layout: layout, backend: backend, freezing: freezing)
        try network.randomize(seed: 4, integral: integral)
        let executor = try Executor(
            network, batchSize: count, microBatch: microBatch, workers: Workers(count: threads))
        executor.poisonMemory(with: .nan)
        return executor
    }

    /// Sums of whole numbers are exact.
    @Test(
        "are sums over the images of the batch, whether it fills the memory or not",
        arguments: Layout.allCases, Backend.allCases)
    func sums(layout: Layout, backend: Backend) throws {
        let images = integerArrays(Self.count, of: Self.inputs, seed: 1)
        let upstream = integerArrays(Self.count, of: Self.classes, seed: 2)
        let executor = try Self.executor(layout, backend: backend, integral: true)
        let network = executor.network
        let weights = network.values(of: try network.parameter(named: "second.weight"))
        for count in [Self.count, 23] {
            let step = StepResult(
                executor, ArrayBatch(images: images), count: count, loss: UpstreamLoss(upstream: upstream))
            var expected = [Float](repeating: 0, count: Self.outputs * Self.inputs)
            for image in 0..<count {
                for output in 0..<Self.outputs {
                    let gradient = (0..<Self.classes).reduce(Float(0)) {
                        $0 + upstream[image][$1] * weights[$1 * Self.outputs + output]
                    }
                    for input in 0..<Self.inputs {
                        expected[output * Self.inputs + input] += gradient * images[image][input]
                    }
                }
            }
            let first = try network.parameter(named: "first.weight")
            #expect(network.values(of: first, in: executor.gradients) == expected)
            #expect(step.gradients.allSatisfy { $0.isFinite })
        }
    }

    @Test(
        "have the same bits for any number of threads and in passes", arguments: Layout.allCases,
        Backend.allCases)
    func bits(layout: Layout, backend: Backend) throws {
        let batch = ArrayBatch(
            images: uniformArrays(Self.count, of: Self.inputs, seed: 1),
            labels: (0..<Self.count).map { $0 % Self.classes })
        func gradients(threads: Int, microBatch: Int? = nil) throws -> [Float] {
            let executor = try Self.executor(
                layout, backend: backend, microBatch: microBatch, threads: threads)
            return StepResult(executor, batch, loss: SoftmaxCrossEntropy()).gradients
        }
        let expected = try gradients(threads: 1)
        #expect(expected.contains { $0 != 0 })
        for threads in [2, 3, 8] { expectEqual(try gradients(threads: threads), expected) }
        expectEqual(try gradients(threads: 2, microBatch: 32), expected)
    }

    @Test("are put together in runs that cover each trained parameter once", arguments: [[], ["*.weight"]])
    func runs(freezing: [NamePattern]) throws {
        let executor = try Self.executor(.channelsFirst, freezing: freezing)
        var end = 0
        for run in executor.gradientRuns {
            #expect(run.range.lowerBound == end && !run.range.isEmpty)
            end = run.range.upperBound
        }
        #expect(end == executor.network.trainedFloats)
        let isFactored = executor.gradientRuns[0].range.count == 24 * Self.inputs
        #expect(isFactored == freezing.isEmpty)
    }

    @Test("are those of lanes in batches of many images")
    func largeBatches() throws {
        let network = try Network(Linear(100, 100), input: .features(100))
        // Three times 100 x 100 floats are 133 images of two rows of seven cache lines each, and the next multiple of lines.
        for (batch, run) in [(133, 12 * 100), (134, 8192)] {
            let executor = try Executor(network, batchSize: batch, workers: Workers(count: 1))
            #expect(executor.gradientRuns[0].range.count == run)
        }
    }

    @Test("take memory for the images of the batch, and not for each lane")
    func memory() throws {
        let network = try Network(
            Linear(inputs: 1_000, outputs: 500, bias: false), input: .features(1_000))
        // Rows of 63 cache lines, and of 33, which is odd where 32 would do.
        let floats = 500 * 1_000 + 300 * 16 * (63 + 33)
        for microBatch in [nil, 16] {
            let executor = try Executor(
                network, batchSize: 300, microBatch: microBatch, workers: Workers(count: 1))
            #expect(executor.memory.gradientBytes == 4 * floats)
        }
    }

    @Test("have nothing of images whose shards did not reach the layer", arguments: Layout.allCases)
    func unreached(layout: Layout) throws {
        let network = try Network(Sometimes(), input: .features(Sometimes.inputs), layout: layout)
        let count = 64
        let executor = try Executor(network, batchSize: count, workers: Workers(count: 2))
        #expect(executor.gradientRuns[0].range.count == 12 * Sometimes.inputs)
        executor.poisonMemory(with: .nan)
        // Four shards, of which the second and the third are left out.
        let images = (0..<count).map {
            [16..<48 ~= $0 ? -1 : 1, Float($0)] + [Float](repeating: 2, count: Sometimes.inputs - 2)
        }
        let upstream = [[Float]](
            repeating: [1, -1] + [Float](repeating: 0, count: Sometimes.outputs - 2), count: count)
        let step = StepResult(
            executor, ArrayBatch(images: images), loss: UpstreamLoss(upstream: upstream))
        let sum = Float((0..<16).reduce(0, +) + (48..<64).reduce(0, +))
        let row = [32, sum] + [Float](repeating: 64, count: Sometimes.inputs - 2)
        let rest = [Float](repeating: 0, count: (Sometimes.outputs - 2) * Sometimes.inputs)
        #expect(
            network.values(of: network.parameters[0], in: executor.gradients)
                == row + row.map { -$0 } + rest)
        #expect(step.gradients.allSatisfy { $0.isFinite })
    }
}
