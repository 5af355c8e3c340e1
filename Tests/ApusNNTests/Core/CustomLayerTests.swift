import ApusKernels
import ApusNN
import ReferenceKernels
import Testing

/// A user's layer: `y = gain x^2`, with a parameter, memory that lasts to backward, scratch, and a rule for
/// its input's shape.
private struct SquaredGain: Layer {
    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard shape.channels % 2 == 0 else {
            throw planning.error("wants an even number of channels, found \(shape.channels)")
        }
        return LayerPlan(
            output: shape,
            parameters: [ParameterSpecification("gain", shape: [1], initializer: .constant(2))],
            saved: [BufferSize(perImage: shape.count)], scratch: [BufferSize(perImage: shape.count)],
            multiplyAdds: shape.count, backwardReadsInput: false, backwardReadsOutput: false)
    }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let gain = context.parameter(0)[0]
        let copy = tensor(context.saved(0), input)
        copy.copy(from: input)
        output.map(copy) { gain * $0 * $0 }
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let gain = context.parameter(0)[0]
        let copy = tensor(context.saved(0), outputGradient)
        if let gradient = context.gradient(0) {
            let products = tensor(context.scratch(0), outputGradient)
            products.zip(outputGradient, copy) { $0 * $1 * $1 }
            gradient[0] += products.channelsFirstArray.reduce(0, +)
        }
        inputGradient.apply(outputGradient, copy) { dy, x in 2 * gain * x * dy }
    }

    private func tensor(_ view: FloatView, _ other: Tensor) -> Tensor {
        Tensor(view, batch: other.batch, shape: other.shape, layout: other.layout)
    }
}

/// A layer that books parameters and adds to the gradient of the first alone, in two parts.
private struct Halves: Layer {
    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        LayerPlan(
            output: shape,
            parameters: ["used", "unused"].map {
                ParameterSpecification($0, shape: [3], initializer: .constant(1))
            })
    }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) { output.copy(from: input) }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        for _ in 0..<2 {
            if let gradient = context.gradient(0) { gradient[1] += Float(outputGradient.batch) / 2 }
        }
        inputGradient.apply(outputGradient)
    }
}

@Suite struct CustomLayerTests {
    private let shape = Shape(height: 4, width: 3, channels: 2)

    private func squared(_ x: ReferenceTensor<Double>, _ gain: Double) -> ReferenceTensor<Double> {
        ReferenceTensor(shape: x.shape, values: x.values.map { gain * $0 * $0 })
    }

    @Test(arguments: Layout.allCases)
    func itWorksAmongOurs(layout: Layout) throws {
        let model = Sequential {
            SquaredGain()
            Conv2D(2, 4, kernel: 2)
            SquaredGain()
            Tanh()
            Concat {
                SquaredGain()
                ReLU()
            }
        }
        try expectGradients(of: model, input: shape, layout: layout) { p, x in
            let y = squared(
                squared(x, p["0.gain"].values[0]).convolved(p, "1"), p["2.gain"].values[0]
            ).activated(.tanh)
            return squared(y, p["4.0.gain"].values[0]).concatenated(y.activated(.relu))
        }
    }

    /// Memory is full of NaN before, and most lanes have two shards.
    @Test func gradientsBeginWithZerosInEachBatchHoweverOftenTheyAreAddedTo() throws {
        let network = try Network(Sequential { Halves().named("halves") }, input: .features(4))
        let count = 8 * 16 + 1
        let executor = try Executor(network, batchSize: count, workers: Workers(count: 2))
        executor.poisonMemory(with: .nan)
        let images = ArrayBatch(
            images: Array(repeating: [1, 2, 3, 4], count: count), labels: Array(repeating: 0, count: count))
        for _ in 0..<2 {
            _ = executor.computeGradients(images, count: count, loss: SoftmaxCrossEntropy())
            executor.reduceGradients()
            let gradients = network.parameters.map { network.values(of: $0, in: executor.gradients) }
            #expect(gradients == [[0, Float(count), 0], [0, 0, 0]])
            // And what lies between parameters.
            #expect(Reductions.sumOfSquares(executor.gradients) == Double(count * count))
        }
    }

    @Test func itsParameterAndItsKindAreNamed() throws {
        let network = try Network(Sequential { SquaredGain() }, input: shape)
        #expect(network.parameters.map(\.name) == ["0.gain"])
        #expect(network.values(of: network.parameters[0]) == [2])
        #expect(network.root.children[0].layer.kind == "SquaredGain")
    }

    @Test func itsMistakesNameItsPlace() {
        let model = Sequential { SquaredGain().named("gain") }
        #expect(
            throws: PlanningError(path: "gain", reason: "wants an even number of channels, found 3")
        ) { try Network(model, input: .features(3)) }
    }
}
