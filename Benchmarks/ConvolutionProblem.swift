import Apus
import ReferenceKernels

/// The operands of a convolution, filled with small whole numbers.
final class ConvolutionProblem {
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
        let algorithms = [ConvolutionAlgorithm.gemm, geometry.algorithm(layout)]
        let sizes = [
            layout.floats(batch: batch, input), geometry.weightCount, layout.floats(batch: batch, output),
            algorithms.map { geometry.scratchCount(layout, algorithm: $0) }.max() ?? 0,
            layout.floats(batch: batch, input), geometry.weightCount,
            Convolution.preparedCounts(geometry, geometry.algorithm(layout))?.forward ?? 0,
            Convolution.preparedCounts(geometry, geometry.algorithm(layout))?.backward ?? 0,
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
        weights.prepare(geometry, geometry.algorithm(layout), forBackward: true)
    }

    func run(_ pass: ConvolutionBenchmark.Pass, _ algorithm: ConvolutionAlgorithm) {
        switch pass {
        case .forward:
            Convolution.forward(
                geometry, input: tensor(0), weights: weights, bias: nil, algorithm: algorithm,
                scratch: buffers[3].view, into: tensor(2))
        case .weightGradient: backward(algorithm, weightGradient: buffers[5].view, .discard)
        case .inputGradient: backward(algorithm, weightGradient: nil, .overwrite(tensor(4)))
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

    /// Whether an algorithm gives what the naive loops gave when they last ran.
    func isRight(_ pass: ConvolutionBenchmark.Pass, _ algorithm: ConvolutionAlgorithm) -> Bool {
        let gradient = buffers[2].view.array
        buffers[5].view.fill(0)
        run(pass, algorithm)
        let result =
            switch pass {
            case .forward: tensor(2).channelsFirstArray
            case .weightGradient: buffers[5].view.array
            case .inputGradient: tensor(4).channelsFirstArray
            }
        var expected = naiveResult?.values
        if layout == .channelsLast && pass == .weightGradient { expected = naiveResult?.outputLast }
        // Forward has written over the gradient.
        buffers[2].view.copy(from: gradient)
        guard algorithm.isWinograd, let expected else { return result == expected }
        // Winograd's fractions round: errors of 1e-6 of the norm were measured, of F(4x4, 5x5) 3e-6. A single wrong tile
        // makes 1e-3.
        let limit = algorithm == .imagesLastWinograd ? 8e-6 : 4e-6
        let squares = zip(result, expected).reduce(into: (error: 0.0, norm: 0.0)) { sums, pair in
            sums.error += Double(pair.0 - pair.1) * Double(pair.0 - pair.1)
            sums.norm += Double(pair.1) * Double(pair.1)
        }
        return squares.error <= limit * limit * squares.norm
    }

    private var weights: ConvolutionWeights {
        func prepared(_ buffer: FloatBuffer) -> FloatView? { buffer.count > 0 ? buffer.view : nil }
        return ConvolutionWeights(
            buffers[1].view, prepared: prepared(buffers[6]), preparedForBackward: prepared(buffers[7]))
    }

    private func backward(
        _ algorithm: ConvolutionAlgorithm, weightGradient: FloatView?, _ inputGradient: GradientDestination
    ) {
        Convolution.backward(
            geometry, input: tensor(0), weights: weights, outputGradient: tensor(2),
            algorithm: algorithm, scratch: buffers[3].view,
            weightGradient: weightGradient, biasGradient: nil,
            inputGradient: inputGradient)
    }

    private func tensor(_ index: Int) -> Tensor {
        Tensor(
            buffers[index].view, batch: batch, shape: index == 2 ? geometry.output : geometry.input,
            layout: layout)
    }
}
