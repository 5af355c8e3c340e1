import ApusKernels
import ApusNN
import ReferenceKernels
import TestSupport
import Testing

@Suite struct GradientObserverTests {
    private static let shape = Shape(height: 6, width: 5, channels: 2)
    private static let images = 3

    /// Where central differences have a slope: no maximum of equals, and no zero for dropout to hide in.
    private static let model = Sequential {
        Conv2D(2, 4, kernel: 3, padding: 1).named("conv")
        Tanh().named("tanh")
        MaxPool2D(kernelSize: 2, roundsUp: true).named("pool")
        Fire(4, squeeze: 3, expand: 2).named("fire")
        Residual(Fire(4, squeeze: 3, expand: 2), shortcut: Conv2D(4, 4, kernel: 1)).named("bypass")
        Dropout(rate: 0.5).named("dropout")
        Flatten().named("flatten")
        Linear(36, 5).named("fc")
    }

    /// What a reference does with the output of a layer.
    private typealias Hook = (_ path: String, _ output: ReferenceTensor<Double>) -> ReferenceTensor<Double>

    /// The model in double precision; `kept` says which elements dropout keeps.
    private static func reference(
        _ p: ReferenceParameters, _ x: ReferenceTensor<Double>, kept: [Bool], _ at: Hook
    ) -> ReferenceTensor<Double> {
        func fire(_ name: String, _ x: ReferenceTensor<Double>) -> ReferenceTensor<Double> {
            func rectified(
                _ layer: String, _ x: ReferenceTensor<Double>, padding: Int = 0
            ) -> ReferenceTensor<Double> {
                let path = "\(name).\(layer)"
                let y = at(path, x.convolved(p, path, ReferenceConvolution(padding: .init(padding, padding))))
                return at(path + "_activation", y.activated(.relu))
            }
            let squeezed = rectified("squeeze", x)
            return rectified("expand1x1", squeezed)
                .concatenated(rectified("expand3x3", squeezed, padding: 1))
        }
        var y = at("conv", x.convolved(p, "conv", ReferenceConvolution(padding: 1)))
        y = at("tanh", y.activated(.tanh))
        let pooling = ReferencePooling(
            kernel: .init(2, 2), stride: .init(2, 2), padding: .init(0, 0), roundsUp: true)
        y = at("pool", pooling.maximum(y).output)
        y = at("fire", fire("fire", y))
        y = at("bypass", fire("bypass", y).adding(at("bypass.shortcut", y.convolved(p, "bypass.shortcut"))))
        y = at(
            "dropout",
            ReferenceTensor(shape: y.shape, values: zip(y.values, kept).map { $1 ? 2 * $0 : 0 }))
        return at("fc", at("flatten", y.flattened).linear(p, "fc"))
    }

    /// As in `expectGradients`: no sum of these has more than 256 terms.
    private static let tolerance = 256 * 0x1p-24

    @Test(
        "Each layer's gradient is that of central differences, whatever is frozen", arguments: Layout.allCases
    )
    func centralDifference(layout: Layout) throws {
        let planned = try Network(
            Self.model, input: Self.shape, layout: layout, freezing: ["conv.*", "fire.*"])
        try planned.randomize(seed: 7)
        let network = try planned.unfused()
        let executor = try Executor(
            network, batchSize: Self.images, workers: Workers(count: 2), keepsInputGradient: true)
        executor.poisonMemory(with: .nan)
        let (outputs, gradients) = (Seen(), Seen())
        executor.observer = outputs.note
        executor.gradientObserver = gradients.note
        let batch = ArrayBatch(images: uniformArrays(Self.images, of: Self.shape.count, seed: 3))
        let upstream = uniformArrays(Self.images, of: 5, seed: 4)
        _ = executor.computeGradients(
            batch, count: Self.images, loss: UpstreamLoss(upstream: upstream), phase: .training, seed: 5)

        let point = ReferencePoint(network, batch)
        let kept = outputs.values("dropout").map { $0 != 0 }
        #expect(kept.contains(true) && kept.contains(false))
        let weights = upstream.flatMap { $0 }.map(Double.init)
        var paths: Set<String> = []
        _ = Self.reference(point.parameters, point.input, kept: kept) {
            paths.insert($0)
            return $1
        }
        #expect(Set(gradients.outputs.keys) == paths)
        for path in paths {
            let gradient = centralDifferences(
                of: { offsets in
                    let y = Self.reference(point.parameters, point.input, kept: kept) { place, output in
                        place == path
                            ? ReferenceTensor(
                                shape: output.shape, values: zip(output.values, offsets).map { $0 + $1 })
                            : output
                    }
                    return zip(y.values, weights).reduce(0) { $0 + $1.0 * $1.1 }
                }, at: outputs.values(path).map { _ in 0 })
            #expect(gradient.contains { $0 != 0 }, "\(path)")
            expectNormClose(
                gradients.values(path).map(Double.init), gradient, tolerance: Self.tolerance, path)
        }
    }

    @Test("Below the lowest layer that is trained nobody computes a gradient to be seen")
    func below() throws {
        let network = try Network(Self.model, input: Self.shape, freezing: ["conv.*", "fire.*"])
        let executor = try Executor(network, batchSize: 1)
        let gradients = Seen()
        executor.gradientObserver = gradients.note
        let batch = ArrayBatch(images: uniformArrays(1, of: Self.shape.count, seed: 3))
        _ = executor.computeGradients(batch, count: 1, loss: SoftmaxCrossEntropy())
        let seen = Set(gradients.outputs.keys)
        #expect(seen.isSuperset(of: ["fc", "flatten", "dropout", "bypass", "bypass.squeeze"]))
        #expect(seen.isDisjoint(with: ["fire", "pool", "tanh", "conv"]))
    }

    @Test("Unfused, a network gives the same bits from a copy of its parameters", arguments: Layout.allCases)
    func unfused(layout: Layout) throws {
        let network = try Network(Self.model, input: Self.shape, layout: layout, freezing: ["fire.*"])
        let unfused = try network.unfused()
        #expect(unfused.trainedParameters.isEmpty)
        let batch = ArrayBatch(images: uniformArrays(2, of: Self.shape.count, seed: 3))
        func outputs(_ network: Network) throws -> [Float] {
            let executor = try Executor(network, batchSize: 2, isTraining: false)
            _ = executor.infer(batch, count: 2)
            return executor.outputs.channelsFirstArray
        }
        let before = try outputs(network)
        #expect(try outputs(unfused) == before)
        try network.randomize(seed: 9)
        #expect(try outputs(network) != before)
        #expect(try outputs(unfused) == before)
        #expect(try Network(ReLU(), input: Self.shape).unfused().parameters.isEmpty)
    }
}
