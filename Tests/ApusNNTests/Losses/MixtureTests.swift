import ApusKernels
import ApusNN
import ReferenceKernels
import TestSupport
import Testing

/// A batch of which some images are mixed with others.
private final class MixedBatch: BatchSource {
    private let plain: ArrayBatch
    private let mixtures: [Mixture?]

    init(images: [[Float]], labels: [Int], mixtures: [Mixture?]) {
        plain = ArrayBatch(images: images, labels: labels)
        self.mixtures = mixtures
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        plain.load(position, into: tensor, at: index)
    }
    func label(at position: Int) -> Int { plain.label(at: position) }
    func mixture(at position: Int) -> Mixture? { mixtures[position] }
}

@Suite("Losses of images that others are mixed into")
struct MixtureTests {
    private static let classes = 7
    private static let labels = [3, 0, 6, 6, 2, 1]
    private static let mixtures: [Mixture?] = [
        Mixture(label: 5, share: 0.25), nil, Mixture(label: 0, share: 0.75), Mixture(label: 6, share: 0.5),
        Mixture(label: 4, share: 0), Mixture(label: 2, share: 1),
    ]
    private static let images = uniformArrays(6, of: classes, seed: 1).map { $0.map { 3 * $0 } }
    private static let weights: [Float] = [0.5, 1, 4, 2, 1, 3, 2]

    /// What a network that is the identity comes to: the gradient of its input is the loss's.
    ///
    /// - Parameter times: that the images are repeated.
    private static func result(
        _ loss: any Loss, layout: Layout = .channelsFirst, times: Int = 1, microBatch: Int? = nil,
        threads: Int = 2
    ) throws -> (outcome: Executor.Outcome, gradient: [Float]) {
        let network = try Network(Residual { Scale(classes) }, input: .features(classes), layout: layout)
        try network.setValues([Float](repeating: 0, count: classes), of: network.parameter(named: "0.weight"))
        let executor = try Executor(
            network, batchSize: 6 * times, microBatch: microBatch, workers: Workers(count: threads),
            keepsInputGradient: true)
        executor.poisonMemory(with: .nan)
        func repeated<Element>(_ elements: [Element]) -> [Element] { (0..<times).flatMap { _ in elements } }
        let batch = MixedBatch(
            images: repeated(images), labels: repeated(labels), mixtures: repeated(mixtures))
        let outcome = executor.computeGradients(batch, count: 6 * times, loss: loss)
        return (outcome, try #require(executor.inputGradients).channelsFirstArray)
    }

    /// The mean in double precision, by the formula of the paper's code: own share x CE(own class) + share x CE(other).
    private static func expected(_ logits: [Double], smoothing: Double, weights: [Double]?) -> Double {
        var (sum, total) = (0.0, 0.0)
        for image in 0..<6 {
            let row = Array(logits[image * classes..<(image + 1) * classes])
            let mixture = mixtures[image] ?? Mixture(label: 0, share: 0)
            for (label, share) in [
                (labels[image], 1 - Double(mixture.share)), (mixture.label, Double(mixture.share)),
            ] {
                let weight = share * (weights?[label] ?? 1)
                total += weight
                // Of one image the mean is the loss, its weight divided out.
                sum +=
                    weight
                    * ReferenceLoss.crossEntropy(
                        row, labels: [label], classes: classes, labelSmoothing: smoothing
                    ).value
            }
        }
        return sum / total
    }

    /// Losses are sums of at most two terms with 12 roundings each; gradients below 1/6 of the greatest weight,
    /// and central differences in double precision agree with the truth to 1e-8.
    @Test(
        "Loss and gradient are the shares' sums of those for both classes, in every layout",
        arguments: [Layout.channelsFirst, .channelsLast, .imagesLast], [0, 0.1] as [Float])
    func crossEntropy(layout: Layout, smoothing: Float) throws {
        let logits = Self.images.flatMap { $0 }.map { Double($0) }
        let found = try Self.result(SoftmaxCrossEntropy(labelSmoothing: smoothing), layout: layout)
        func mean(_ logits: [Double]) -> Double {
            Self.expected(logits, smoothing: Double(smoothing), weights: nil)
        }
        #expect(abs(found.outcome.loss - mean(logits)) < 2 * 12 * 0x1p-24)
        #expect(found.outcome.weight == 6)
        expectClose(
            found.gradient.map { Double($0) }, centralDifferences(of: mean, at: logits),
            absolute: 2 * 16 * 0x1p-24 / 6 + 1e-8)
    }

    /// As above, with weights of at most 4 over a sum of 10.5.
    @Test("Class weights count each class by its share, in the loss and in what it is divided by")
    func classWeights() throws {
        let logits = Self.images.flatMap { $0 }.map { Double($0) }
        let found = try Self.result(SoftmaxCrossEntropy(classWeights: Self.weights))
        func mean(_ logits: [Double]) -> Double {
            Self.expected(logits, smoothing: 0, weights: Self.weights.map { Double($0) })
        }
        // 3/4 of 2 and 1/4 of 3, 0.5, 1/4 of 2 and 3/4 of 0.5, 2, 4, and 4 in place of 1.
        #expect(found.outcome.weight == 2.25 + 0.5 + 0.875 + 2 + 4 + 4)
        #expect(abs(found.outcome.loss - mean(logits)) < 4 * 2 * 16 * 0x1p-24)
        expectClose(
            found.gradient.map { Double($0) }, centralDifferences(of: mean, at: logits),
            absolute: 4 * 2 * 24 * 0x1p-24 / 13.625 + 1e-8)
    }

    @Test("An image is right where its greatest output is that of the greater share")
    func accuracy() throws {
        let counted = [3, 0, 0, 6, 2, 2]
        let right = zip(Self.images, counted).count { image, label in
            image.indices.max { image[$0] < image[$1] } == label
        }
        #expect(try Self.result(SoftmaxCrossEntropy()).outcome.correct == right)
    }

    @Test("Any loss can be mixed, on any number of threads and in parts with the same bits")
    func sameBits() throws {
        for loss in [SoftmaxCrossEntropy(classWeights: Self.weights), MeanSquaredError()] as [any Loss] {
            let whole = try Self.result(loss, times: 3, threads: 1)
            for (microBatch, threads) in [(nil, 3), (5, 2), (10, 1)] as [(Int?, Int)] {
                let other = try Self.result(loss, times: 3, microBatch: microBatch, threads: threads)
                #expect(other.outcome == whole.outcome)
                #expect(other.gradient == whole.gradient.suffix(other.gradient.count))
            }
        }
    }
}
