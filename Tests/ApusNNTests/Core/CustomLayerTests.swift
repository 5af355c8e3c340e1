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
