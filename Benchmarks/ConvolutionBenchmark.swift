import Apus
import ReferenceKernels

/// A convolution of a shipped network, on one thread, in the network's layout: naive loops, and what runs there.
struct ConvolutionBenchmark {
    /// One of the three computations of a convolution.
    enum Pass: String, CaseIterable, Codable {
        case forward, weightGradient, inputGradient
    }

    struct Result: Codable {
        let name: String
        let pass: Pass
        /// Billions of floating point operations a second, two for each multiply-add.
        let naiveGigaflops: Double
        let gigaflops: Measurement

        var speedup: Double { gigaflops.median / naiveGigaflops }
    }

    let name: String
    let geometry: ConvolutionGeometry
    let layout: Layout

    /// Images of a call: as many as a shard has at most, but fewer where one keeps the naive loops busy.
    private var batch: Int { max(2, min(16, (1 << 26) / geometry.multiplyAdds)) }
    /// The naive loops take fewer: their rate does not depend on it.
    private static let naiveBatch = 2

    /// The convolutions of all networks, each geometry once.
    static func all() throws -> [ConvolutionBenchmark] {
        var seen: Set<ConvolutionGeometry> = []
        return try ModelCatalog.models.flatMap { type -> [ConvolutionBenchmark] in
            let network = try Network(type.init(classes: type.defaultClasses))
            return convolutions(in: network.root).compactMap { place, convolution -> ConvolutionBenchmark? in
                let geometry = convolution.geometry(input: place.input, output: place.output)
                guard seen.insert(geometry).inserted else { return nil }
                return ConvolutionBenchmark(
                    name: "\(type.name)/\(place.path)", geometry: geometry, layout: type.layout)
            }
        }
    }

    private static func convolutions(in layer: PlannedLayer) -> [(PlannedLayer, Conv2D)] {
        let own = (layer.layer as? Conv2D).map { [(layer, $0)] } ?? []
        return own + layer.children.flatMap(convolutions(in:))
    }

    /// Validates every pass against the naive loops, then times both.
    ///
    /// - Throws: `BenchmarkError` where they differ by more than rounding.
    func run(rounds: Int, seconds: Double) throws -> [Result] {
        let problem = try ConvolutionProblem(geometry, layout, batch: batch)
        let naive = try ConvolutionProblem(geometry, layout, batch: Self.naiveBatch)
        let flops = 2e-9 * Double(geometry.multiplyAdds)
        return try Pass.allCases.map { pass in
            try problem.validate(pass, name: name)
            let slow = Measurement.measure(
                amount: flops * Double(Self.naiveBatch), rounds: 3, seconds: seconds / 4
            ) { naive.runNaive(pass) }
            let fast = Measurement.measure(
                amount: flops * Double(batch), rounds: rounds, seconds: seconds
            ) { problem.run(pass) }
            return Result(name: name, pass: pass, naiveGigaflops: slow.median, gigaflops: fast)
        }
    }
}

/// The operands of a convolution, filled with small whole numbers.
private final class ConvolutionProblem {
    private let geometry: ConvolutionGeometry
    private let layout: Layout
    private let batch: Int
    private let buffers: [FloatBuffer]
    private let reference: ReferenceConvolution
    private let naiveInput: ReferenceTensor<Float>
    private let naiveWeights: ReferenceTensor<Float>
    private let naiveGradient: ReferenceTensor<Float>
    private var naiveResult: ReferenceTensor<Float>?

    init(_ geometry: ConvolutionGeometry, _ layout: Layout, batch: Int) throws {
        self.geometry = geometry
        self.layout = layout
        self.batch = batch
        let (input, output) = (geometry.input, geometry.output)
        let sizes = [
            layout.floats(batch: batch, input), geometry.weightCount, layout.floats(batch: batch, output),
            geometry.scratchCount(layout), layout.floats(batch: batch, input), geometry.weightCount,
        ]
        buffers = try sizes.map { try FloatBuffer(count: $0) }
        for (index, buffer) in buffers.prefix(3).enumerated() {
            // Sums of products of -3...3 stay whole below 2^24: every order of adding gives the same.
            let random = CounterRandom(seed: 1, purpose: .synthesis, unit: index)
            buffer.view.copy(
                from: (0..<buffer.count).map { Float(random.integer(below: 7, at: $0) - 3) })
        }
        reference = ReferenceConvolution(
            stride: ReferenceExtent(geometry.stride.height, geometry.stride.width),
            padding: ReferenceExtent(geometry.padding.height, geometry.padding.width),
            dilation: ReferenceExtent(geometry.dilation.height, geometry.dilation.width),
            groups: geometry.groups)
        func images(_ shape: Shape, _ buffer: FloatBuffer) -> ReferenceTensor<Float> {
            ReferenceTensor(
                batch, shape.channels, shape.height, shape.width,
                values: Tensor(buffer.view, batch: batch, shape: shape, layout: layout).channelsFirstArray)
        }
        naiveInput = images(input, buffers[0])
        naiveWeights = ReferenceTensor(
            output.channels, input.channels / geometry.groups, geometry.kernel.height,
            geometry.kernel.width, values: buffers[1].view.array)
        naiveGradient = images(output, buffers[2])
        if layout == .channelsLast { buffers[1].view.copy(from: naiveWeights.outputLast) }
    }

    func run(_ pass: ConvolutionBenchmark.Pass) {
        switch pass {
        case .forward:
            Convolution.forward(
                geometry, input: tensor(0), weights: buffers[1].view, bias: nil,
                algorithm: geometry.algorithm(layout), scratch: buffers[3].view,
                into: tensor(2))
        case .weightGradient: backward(weightGradient: buffers[5].view, .discard)
        case .inputGradient: backward(weightGradient: nil, .overwrite(tensor(4)))
        }
    }

    func runNaive(_ pass: ConvolutionBenchmark.Pass) {
        naiveResult =
            switch pass {
            case .forward: reference.forward(naiveInput, weights: naiveWeights)
            case .weightGradient:
                reference.weightGradient(naiveGradient, input: naiveInput, weightShape: naiveWeights.shape)
            case .inputGradient:
                reference.inputGradient(naiveGradient, weights: naiveWeights, inputShape: naiveInput.shape)
            }
    }

    func validate(_ pass: ConvolutionBenchmark.Pass, name: String) throws {
        let gradient = buffers[2].view.array
        buffers[5].view.fill(0)
        run(pass)
        runNaive(pass)
        let result =
            switch pass {
            case .forward: tensor(2).channelsFirstArray
            case .weightGradient: buffers[5].view.array
            case .inputGradient: tensor(4).channelsFirstArray
            }
        var expected = naiveResult?.values
        if layout == .channelsLast && pass == .weightGradient { expected = naiveResult?.outputLast }
        guard result == expected else {
            throw BenchmarkError(description: "\(name), \(pass.rawValue): it and the naive loops differ")
        }
        buffers[2].view.copy(from: gradient)
    }

    private func backward(weightGradient: FloatView?, _ inputGradient: GradientDestination) {
        Convolution.backward(
            geometry, input: tensor(0), weights: buffers[1].view, outputGradient: tensor(2),
            algorithm: geometry.algorithm(layout),
            scratch: buffers[3].view, weightGradient: weightGradient, biasGradient: nil,
            inputGradient: inputGradient)
    }

    private func tensor(_ index: Int) -> Tensor {
        Tensor(
            buffers[index].view, batch: batch, shape: index == 2 ? geometry.output : geometry.input,
            layout: layout)
    }
}

/// Results that must not be timed.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
}
