import Apus
import ReferenceKernels

/// A convolution of a shipped network, on one thread: naive loops, and im2col with GEMM.
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

    /// Images of a call, as many as a shard has at most.
    private static let batch = 16
    /// The naive loops take fewer: their rate does not depend on it.
    private static let naiveBatch = 2

    /// The convolutions of all networks.
    static func all() throws -> [ConvolutionBenchmark] {
        try ModelCatalog.models.flatMap { type in
            let network = try Network(type.init(classes: 10))
            return network.root.children.compactMap { child in
                (child.layer as? Conv2D).map {
                    ConvolutionBenchmark(
                        name: "\(type.name)/\(child.path)",
                        geometry: $0.geometry(input: child.input, output: child.output))
                }
            }
        }
    }

    /// Validates every pass against the naive loops, then times both.
    ///
    /// - Throws: `BenchmarkError` where they differ by more than rounding.
    func run(rounds: Int, seconds: Double) throws -> [Result] {
        let problem = try ConvolutionProblem(geometry, batch: Self.batch)
        let naive = try ConvolutionProblem(geometry, batch: Self.naiveBatch)
        let flops = 2e-9 * Double(geometry.multiplyAdds)
        return try Pass.allCases.map { pass in
            try problem.validate(pass, name: name)
            let slow = Measurement.measure(
                amount: flops * Double(Self.naiveBatch), rounds: 3, seconds: seconds / 4
            ) { naive.runNaive(pass) }
            let fast = Measurement.measure(
                amount: flops * Double(Self.batch), rounds: rounds, seconds: seconds
            ) { problem.run(pass) }
            return Result(name: name, pass: pass, naiveGigaflops: slow.median, gigaflops: fast)
        }
    }
}

/// The operands of a convolution, filled with small whole numbers.
private final class ConvolutionProblem {
    private let geometry: ConvolutionGeometry
    private let batch: Int
    private let buffers: [FloatBuffer]
    private let reference: ReferenceConvolution
    private let naiveInput: ReferenceTensor<Float>
    private let naiveWeights: ReferenceTensor<Float>
    private let naiveGradient: ReferenceTensor<Float>
    private var naiveResult: [Float] = []

    init(_ geometry: ConvolutionGeometry, batch: Int) throws {
        self.geometry = geometry
        self.batch = batch
        let (input, output) = (geometry.input, geometry.output)
        let sizes = [
            batch * input.count, geometry.weightCount, batch * output.count,
            geometry.scratchCount(.channelsFirst), batch * input.count, geometry.weightCount,
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
        naiveInput = ReferenceTensor(
            batch, input.channels, input.height, input.width, values: buffers[0].view.array)
        naiveWeights = ReferenceTensor(
            output.channels, input.channels / geometry.groups, geometry.kernel.height,
            geometry.kernel.width, values: buffers[1].view.array)
        naiveGradient = ReferenceTensor(
            batch, output.channels, output.height, output.width, values: buffers[2].view.array)
    }

    func run(_ pass: ConvolutionBenchmark.Pass) {
        switch pass {
        case .forward:
            Convolution.forward(
                geometry, input: tensor(0), weights: buffers[1].view, bias: nil, scratch: buffers[3].view,
                into: tensor(2))
        case .weightGradient: backward(weightGradient: buffers[5].view, .discard)
        case .inputGradient: backward(weightGradient: nil, .overwrite(tensor(4)))
        }
    }

    func runNaive(_ pass: ConvolutionBenchmark.Pass) {
        naiveResult =
            switch pass {
            case .forward: reference.forward(naiveInput, weights: naiveWeights).values
            case .weightGradient:
                reference.weightGradient(
                    naiveGradient, input: naiveInput, weightShape: naiveWeights.shape
                ).values
            case .inputGradient:
                reference.inputGradient(
                    naiveGradient, weights: naiveWeights, inputShape: naiveInput.shape
                ).values
            }
    }

    func validate(_ pass: ConvolutionBenchmark.Pass, name: String) throws {
        buffers[2].view.copy(from: naiveGradient.values)
        buffers[5].view.fill(0)
        run(pass)
        runNaive(pass)
        let result =
            switch pass {
            case .forward: buffers[2].view.array
            case .weightGradient: buffers[5].view.array
            case .inputGradient: buffers[4].view.array
            }
        guard result == naiveResult else {
            throw BenchmarkError(description: "\(name), \(pass.rawValue): GEMM and naive loops differ")
        }
        buffers[2].view.copy(from: naiveGradient.values)
    }

    private func backward(weightGradient: FloatView?, _ inputGradient: GradientDestination) {
        Convolution.backward(
            geometry, input: tensor(0), weights: buffers[1].view, outputGradient: tensor(2),
            scratch: buffers[3].view, weightGradient: weightGradient, biasGradient: nil,
            inputGradient: inputGradient)
    }

    private func tensor(_ index: Int) -> Tensor {
        Tensor(
            buffers[index].view, batch: batch, shape: index == 2 ? geometry.output : geometry.input,
            layout: .channelsFirst)
    }
}

/// Results that must not be timed.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
}
