import ApusKernels
import ApusNN
import TestSupport
import Testing

/// What layers make of their parameters before a batch follows the parameters.
@Suite struct PreparedParametersTests {
    static let algorithms = [
        ConvolutionAlgorithm.winograd, .direct, .imagesLastWinograd, .imagesLastRowWinograd,
    ]

    private func network(_ algorithm: ConvolutionAlgorithm) throws -> Network {
        let (channels, kernel, layout) =
            switch algorithm {
            case .winograd: (16, 3, Layout.channelsLast)
            case .imagesLastWinograd: (16, 5, .imagesLast)
            case .imagesLastRowWinograd: (1, 5, .imagesLast)
            default: (16, 1, .channelsLast)
            }
        let network = try Network(
            Sequential { Conv2D(channels, 16, kernel: kernel, padding: kernel / 2, bias: false) },
            input: Shape(height: 16, width: 16, channels: channels), layout: layout, backend: .vector)
        #expect(network.root.children[0].algorithm == algorithm.rawValue)
        return network
    }

    private static func batch(for network: Network) -> ArrayBatch {
        ArrayBatch(images: uniformArrays(2, of: network.input.count, seed: 1))
    }

    @Test(arguments: algorithms)
    func outputsFollowParametersThatChange(algorithm: ConvolutionAlgorithm) throws {
        let network = try network(algorithm)
        let executor = try Executor(network, batchSize: 2, isTraining: false)
        let batch = Self.batch(for: network)
        func outputs() -> [Float] {
            _ = executor.infer(batch, count: 2)
            return executor.outputs.channelsFirstArray
        }
        let first = outputs()
        #expect(outputs() == first && first.contains { $0 != 0 })
        let weight = network.parameters[0]
        try network.setValues(network.values(of: weight).map { 2 * $0 }, of: weight)
        #expect(outputs() == first.map { 2 * $0 })
        network.changeParameters { $0.fill(0) }
        #expect(outputs().allSatisfy { $0 == 0 })
    }

    @Test(arguments: algorithms)
    func gradientsAfterInferenceAreThoseWithoutIt(algorithm: ConvolutionAlgorithm) throws {
        let network = try network(algorithm)
        let batch = Self.batch(for: network)
        let loss = UpstreamLoss(upstream: uniformArrays(2, of: network.output.count, seed: 2))
        func gradients(inferringFirst: Bool) throws -> StepResult {
            let executor = try Executor(network, batchSize: 2, keepsInputGradient: true)
            if inferringFirst { _ = executor.infer(batch, count: 2) }
            return StepResult(executor, batch, loss: loss)
        }
        let result = try gradients(inferringFirst: true)
        #expect(try result == gradients(inferringFirst: false))
        #expect(result.inputGradients.contains { $0 != 0 })
    }
}
