import ApusKernels
import ApusNN
import ReferenceKernels
import Testing
import TestSupport

@Suite struct DropoutTests {
    private let shape = Shape(height: 5, width: 4, channels: 10)

    @Test(arguments: Layout.allCases)
    func theGradientPassesWhereForwardKept(layout: Layout) throws {
        let network = try Network(Dropout(rate: 0.25), input: shape, layout: layout)
        let executor = try Executor(network, batchSize: 40, keepsInputGradient: true)
        let ones = [Float](repeating: 1, count: 200)
        let upstream = uniformArrays(40, of: 200, seed: 1)
        let result = StepResult(
            executor, ArrayBatch(images: [[Float]](repeating: ones, count: 40)),
            loss: UpstreamLoss(upstream: upstream), seed: 3, step: 7)
        expectEqual(result.inputGradients, zip(result.outputs, upstream.flatMap { $0 }).map { $0 * $1 })
        // Images drop elements of their own, in whatever part of the batch they are.
        let images = stride(from: 0, to: 8000, by: 200).map { Array(result.outputs[$0..<$0 + 200]) }
        #expect(Set(images).count == 40)
        let dropped = result.outputs.filter { $0 == 0 }.count
        // Five deviations of sqrt(8000 x 0.25 x 0.75).
        #expect(abs(dropped - 2000) < 195)
        #expect(result.outputs.allSatisfy { $0 == 0 || $0 == 1 / Float(0.75) })
    }

    /// An identity after the dropout shows what it keeps; the same step then drops the same.
    @Test(arguments: Layout.allCases)
    func betweenLayersGradientsEqualThoseOfTheMask(layout: Layout) throws {
        let model = Sequential {
            Linear(8, 12)
            Dropout(rate: 0.5)
            Linear(12, 12)
        }
        let network = try Network(model, input: .features(8), layout: layout)
        try network.randomize(seed: 5)
        let executor = try Executor(network, batchSize: 6, keepsInputGradient: true)
        let batch = ArrayBatch(images: uniformArrays(6, of: 8, seed: 6))
        let upstream = uniformArrays(6, of: 12, seed: 7)
        let loss = UpstreamLoss(upstream: upstream)
        let second = try network.parameter(named: "2.weight")
        try network.setValues((0..<144).map { $0 % 13 == 0 ? 1 : 0 }, of: second)
        try network.setValues([Float](repeating: 0, count: 12), of: network.parameter(named: "2.bias"))
        let mask = StepResult(executor, batch, loss: loss, step: 4).outputs.map { $0 == 0 ? 0.0 : 2.0 }
        try network.setValues(uniformFloats(count: 144, seed: 8), of: second)
        let result = StepResult(executor, batch, loss: loss, step: 4)

        func doubles(_ name: String) throws -> [Double] {
            network.values(of: try network.parameter(named: name)).map { Double($0) }
        }
        let hidden = try ReferenceLinear.forward(
            batch.images.flatMap { $0 }.map { Double($0) }, weights: doubles("0.weight"),
            bias: doubles("0.bias"), batch: 6, inputs: 8, outputs: 12)
        let kept = zip(hidden, mask).map { $0 * $1 }
        let output = try ReferenceLinear.forward(
            kept, weights: doubles("2.weight"), batch: 6, inputs: 12, outputs: 12)
        let dy = upstream.flatMap { $0 }.map { Double($0) }
        let dKept = try ReferenceLinear.inputGradient(
            dy, weights: doubles("2.weight"), batch: 6, inputs: 12, outputs: 12)
        let dx = try ReferenceLinear.inputGradient(
            zip(dKept, mask).map { $0 * $1 }, weights: doubles("0.weight"), batch: 6, inputs: 8, outputs: 12)
        // Sums of at most 12 and 8 terms.
        let tolerance = 32 * 0x1p-24
        expectNormClose(result.outputs.map { Double($0) }, output, tolerance: tolerance)
        expectNormClose(result.inputGradients.map { Double($0) }, dx, tolerance: tolerance)
        let weightGradient = network.values(of: second, in: executor.gradients).map { Double($0) }
        expectNormClose(
            weightGradient,
            ReferenceLinear.weightGradient(dy, input: kept, batch: 6, inputs: 12, outputs: 12),
            tolerance: tolerance)
    }

    @Test func inferenceChangesNothing() throws {
        let network = try Network(
            Sequential {
                Dropout(rate: 0.9)
                Dropout(rate: 0.9)
            }, input: shape)
        let executor = try Executor(network, batchSize: 3, isTraining: false)
        let images = uniformArrays(3, of: 200, seed: 1)
        _ = executor.infer(ArrayBatch(images: images), count: 3)
        expectEqual(executor.outputs.channelsFirstArray, images.flatMap { $0 })
    }

    @Test func whatIsDroppedFollowsSeedStepImageAndLayer() throws {
        let ones = [Float](repeating: 1, count: 200)
        let batch = ArrayBatch(images: [ones, ones])
        let loss = UpstreamLoss(upstream: [ones, ones])
        let network = try Network(
            Sequential {
                Dropout(rate: 0.5)
                Linear(inputs: 200, outputs: 200, bias: false)
                Dropout(rate: 0.5)
            }, input: .features(200))
        try network.setValues(
            (0..<40_000).map { $0 % 201 == 0 ? 1 : 0 }, of: network.parameter(named: "1.weight"))
        let executor = try Executor(network, batchSize: 2, keepsInputGradient: true)
        func outputs(seed: UInt64, step: Int) -> [Float] {
            StepResult(executor, batch, loss: loss, seed: seed, step: step).outputs
        }
        let first = outputs(seed: 1, step: 1)
        #expect(outputs(seed: 1, step: 1) == first)
        #expect(outputs(seed: 2, step: 1) != first)
        #expect(outputs(seed: 1, step: 2) != first)
        #expect(Array(first[..<200]) != Array(first[200...]))
        // Two layers that dropped alike would keep half, not a quarter.
        let kept = first.filter { $0 != 0 }.count
        #expect(abs(kept - 100) < 5 * 9)
    }
}
