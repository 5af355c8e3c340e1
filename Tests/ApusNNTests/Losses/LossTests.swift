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

    /// As without weights, which are at most 4 here; those of the labels are 2, 0.5, 2, 2 and 4.
    @Test(arguments: [0, 0.1] as [Float])
    func weightedCrossEntropyEqualsTheReference(smoothing: Float) throws {
        let weights: [Float] = [0.5, 1, 4, 2, 1, 3, 2]
        let (result, logits) = try identity(
            SoftmaxCrossEntropy(labelSmoothing: smoothing, classWeights: weights))
        let expected = ReferenceLoss.crossEntropy(
            logits, labels: labels, classes: 7, labelSmoothing: Double(smoothing),
            classWeights: weights.map { Double($0) })
        #expect(result.outcome.weight == 10.5)
        #expect(abs(result.outcome.loss - expected.value) < 4 * 16 * 0x1p-24)
        expectClose(
            result.inputGradients.map { Double($0) }, expected.gradient, absolute: 4 * 24 * 0x1p-24 / 10.5)
    }

    /// What PyTorch 2's `cross_entropy(x, y, weight:, label_smoothing:)` gives in double precision.
    @Test(
        arguments: [
            (
                0,
                0.948374027910116,
                [
                    0.29613220043, 0.0400771352207, -0.336209335651, 0.0120205473036, -0.0164426595283,
                    0.00442211222464, 0.0126563737135, 0.154186196329, -0.166842570043, -0.0296132240243,
                    0.023018354923, 0.00659486910128,
                ]
            ),
            (
                0.1,
                0.9840412051628299,
                [
                    0.278337320275, 0.0343975184664, -0.312734838742, 0.011267873614, -0.00202340747143,
                    -0.00924446614261, 0.0102164341724, 0.142325672098, -0.152542106271, -0.019966224115,
                    0.0256478109727, -0.00568158685767,
                ]
            ),
        ] as [(Double, Double, [Double])])
    func theReferenceWithWeightsIsPyTorchs(smoothing: Double, value: Double, gradient: [Double]) {
        let logits = [1.5, -0.5, 0.25, 0, 2, -1, -2, 0.5, 1, 0.75, 0.75, -0.5]
        let found = ReferenceLoss.crossEntropy(
            logits, labels: [2, 1, 2, 0], classes: 3, labelSmoothing: smoothing, classWeights: [0.5, 1, 4])
        #expect(abs(found.value - value) < 1e-14)
        // Twelve digits are written here.
        expectClose(found.gradient, gradient, absolute: 1e-12)
    }

    @Test func weightsOfOneChangeNoMean() throws {
        let plain = try identity(SoftmaxCrossEntropy(labelSmoothing: 0.1)).result
        let weighted = try identity(
            SoftmaxCrossEntropy(labelSmoothing: 0.1, classWeights: [Float](repeating: 1, count: 7))
        ).result
        #expect(weighted.outcome.weight == 5 && plain.outcome.weight == 5)
        #expect(abs(weighted.outcome.loss - plain.outcome.loss) < 16 * 0x1p-24)
        expectClose(weighted.inputGradients, plain.inputGradients, absolute: 20 * 0x1p-24 / 5)
    }

    /// The gradient of the mean, against central differences of the reference in double precision.
    @Test func theGradientOfTheReferenceIsThatOfItsValue() {
        let logits = uniformArrays(5, of: 7, seed: 1).flatMap { $0 }.map { Double(3 * $0) }
        func loss(_ logits: [Double]) -> (value: Double, gradient: [Double]) {
            ReferenceLoss.crossEntropy(
                logits, labels: labels, classes: 7, labelSmoothing: 0.1,
                classWeights: [0.5, 1, 4, 2, 1, 3, 2])
        }
        let differences = centralDifferences(of: { loss($0).value }, at: logits)
        expectClose(loss(logits).gradient, differences, absolute: 1e-8)
    }

    @Test(arguments: [[1, 2], [Float](repeating: 0, count: 10), [Float](repeating: .nan, count: 10)])
    func classWeightsThatDoNotFitAreRefused(weights: [Float]) {
        #expect(throws: PlanningError.self) {
            try SoftmaxCrossEntropy(classWeights: weights).check(.features(10))
        }
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
