import ApusKernels
import ApusNN
import ReferenceKernels
import Testing
import TestSupport

@Suite struct LossTests {
    private let labels = [3, 0, 6, 6, 2]

    /// The network is the identity, so that the input's gradient is the loss's.
    private func identity(_ loss: any Loss) throws -> (result: StepResult, logits: [Double]) {
        let network = try Network(Residual { Scale(7) }, input: .features(7))
        try network.setValues([Float](repeating: 0, count: 7), of: network.parameter(named: "0.weight"))
        let images = uniformArrays(5, of: 7, seed: 1).map { $0.map { 3 * $0 } }
        let executor = try Executor(network, batchSize: 5, keepsInputGradient: true)
        let result = StepResult(executor, ArrayBatch(images: images, labels: labels), loss: loss)
        return (result, images.flatMap { $0 }.map { Double($0) })
    }

    /// Probabilities below 1 with at most 12 roundings, over a batch of 5; the loss in double precision from
    /// a sum of 7 floats.
    @Test(arguments: [0, 0.1] as [Float])
    func crossEntropyEqualsTheReference(smoothing: Float) throws {
        let (result, logits) = try identity(SoftmaxCrossEntropy(labelSmoothing: smoothing))
        let expected = ReferenceLoss.crossEntropy(
            logits, labels: labels, classes: 7, labelSmoothing: Double(smoothing))
        #expect(abs(result.outcome.loss - expected.value) < 12 * 0x1p-24)
        expectClose(
            result.inputGradients.map { Double($0) }, expected.gradient, absolute: 16 * 0x1p-24 / 5)
        #expect(result.outcome.images == 5)
        let greatest = (0..<5).map { row in (0..<7).max { logits[row * 7 + $0] < logits[row * 7 + $1] } }
        #expect(result.outcome.correct == zip(greatest, labels).filter { $0 == $1 }.count)
    }

    /// A difference, three products and a quotient, of magnitudes up to 2 x 4 / 35.
    @Test(arguments: [(1, 0), (1, -1), (0.8, 0.1)] as [(Float, Float)])
    func meanSquaredErrorEqualsTheReference(on: Float, off: Float) throws {
        let (result, outputs) = try identity(MeanSquaredError(on: on, off: off))
        let targets = labels.flatMap { label in (0..<7).map { Double($0 == label ? on : off) } }
        let expected = ReferenceLoss.meanSquaredError(outputs, targets: targets)
        #expect(abs(result.outcome.loss - expected.value) < 4 * 0x1p-24 * expected.value)
        expectClose(
            result.inputGradients.map { Double($0) }, expected.gradient, absolute: 8 * 8 / 35 * 0x1p-24)
    }

    @Test(arguments: [SoftmaxCrossEntropy(), MeanSquaredError()] as [any Loss])
    func mapsAreRefused(loss: any Loss) throws {
        try loss.check(.features(10))
        #expect(throws: PlanningError.self) { try loss.check(Shape(height: 2, width: 1, channels: 10)) }
    }

    @Test(arguments: [-0.1, 1.5, .nan] as [Float])
    func aSmoothingOutsideItsRangeIsRefused(smoothing: Float) {
        #expect(throws: PlanningError.self) {
            try SoftmaxCrossEntropy(labelSmoothing: smoothing).check(.features(10))
        }
    }
}
