import ApusData
import ApusKernels
import ApusNN
import Foundation

extension Classifier {
    /// Runs a part of the network over the images of `data` in their order, a batch at a time.
    ///
    /// - Parameter body: gets the places of the images, their classes and the part's outputs.
    /// - Throws: as `batches`, and what `body` throws.
    func forEachBatch(
        of data: any Dataset, upTo batchSize: Int, in part: Network, workers: Workers,
        _ body: (Range<Int>, [Int], Tensor) throws -> Void
    ) throws {
        let (batch, size) = try batches(of: data, upTo: min(batchSize, data.count), workers: workers)
        let executor = try Executor(part, batchSize: size, workers: workers, isTraining: false)
        try withExtendedLifetime(executor) {
            for start in stride(from: 0, to: data.count, by: size) {
                let places = start..<min(start + size, data.count)
                try batch.begin(places)
                _ = executor.infer(batch, count: places.count)
                try body(places, places.indices.map { batch.label(at: $0 - start) }, executor.outputs)
            }
        }
    }
}

/// The features of a classifier's images and their classes, summed up for least squares.
package struct HeadSamples {
    /// Of the features, and the classes as numbers 0 and 1 after them.
    let fitted: Covariance
    let heldOut: Covariance

    /// The features of held-out images, `[images, features]`, and their classes.
    private var features: [Float] = []
    private var labels: [Int] = []

    private static let heldOutEvery = 10
    /// Outputs of held-out images to find a scale by.
    private static let keptOutputs = 1 << 20

    /// The images that are held out, by class: every tenth where they are in the order of their classes, those of each
    /// drawn at random. In whatever order they come, each class has its share.
    package static func heldOut(of data: any Dataset) -> [Int] {
        let order = CounterRandom(seed: 0, purpose: .sampling).permutation(count: data.count)
        let classes = Dictionary(grouping: order, by: data.label(of:))
        let images = classes.keys.sorted().flatMap { classes[$0] ?? [] }
        return stride(from: heldOutEvery - 1, to: images.count, by: heldOutEvery).map { images[$0] }
    }

    /// - Throws: what keeps an image from being read; `RidgeHeadError.notFinite`.
    init(
        of data: any Dataset, _ classifier: Classifier, _ head: LinearHead, workers: Workers
    ) throws {
        let apart = Self.heldOut(of: data)
        let isHeldOut = Set(apart)
        // Of each class its share.
        let step = apart.count * head.outputs / Self.keptOutputs + 1
        let isKept = Set(stride(from: 0, to: apart.count, by: step).map { apart[$0] })
        let part = try classifier.network.part(head.features)
        let (inputs, outputs) = (head.inputs, head.outputs)
        let columns = inputs + outputs
        let sums = try (CovarianceSums(features: columns), CovarianceSums(features: columns))
        let block = try FloatBuffer(count: RidgeHead.imagesOfBatch * columns)
        func add(_ rows: [Float], to sums: CovarianceSums) {
            guard !rows.isEmpty else { return }
            let view = block.view.slice(0..<rows.count)
            view.copy(from: rows)
            sums.add(view.matrix(rows: rows.count / columns, columns: columns), workers: workers)
        }
        var (features, labels): ([Float], [Int]) = ([], [])
        try classifier.forEachBatch(
            of: data, upTo: RidgeHead.imagesOfBatch, in: part, workers: workers
        ) { places, classes, outputs in
            let values = outputs.channelsFirstArray
            guard values.allSatisfy(\.isFinite) else { throw RidgeHeadError.notFinite }
            var (fitted, heldOut): ([Float], [Float]) = ([], [])
            for (index, place) in places.enumerated() {
                let image = values[index * inputs..<(index + 1) * inputs]
                let row = image + (0..<head.outputs).map { $0 == classes[index] ? 1 : 0 }
                guard isHeldOut.contains(place) else {
                    fitted += row
                    continue
                }
                heldOut += row
                if isKept.contains(place) {
                    features += image
                    labels.append(classes[index])
                }
            }
            add(fitted, to: sums.0)
            add(heldOut, to: sums.1)
        }
        fitted = sums.0.covariance
        heldOut = sums.1.covariance
        self.features = features
        self.labels = labels
    }

    /// What the outputs of a solution are to be multiplied with for the cross-entropy of the held-out images to be
    /// least (Guo et al., 2017, "On calibration of modern neural networks", where its inverse is the temperature); no less
    /// than 1, where probabilities are near to even already, and 1 where none are held out.
    func scale(_ solution: RidgeRegression) -> Double {
        guard !labels.isEmpty else { return 1 }
        let classes = solution.intercepts.count
        let count = features.count / labels.count
        let outputs = labels.indices.flatMap { image in
            (0..<classes).map { target in
                (0..<count).reduce(solution.intercepts[target]) {
                    $0 + solution.weights[target * count + $1] * Double(features[image * count + $1])
                }
            }
        }
        // The cross-entropy is convex in the scale: Newton's steps, none of which goes far.
        var scale = 1.0
        for _ in 0..<100 {
            let (slope, curvature) = derivatives(outputs, classes: classes, scale: scale)
            guard curvature > 0 else { break }
            let next = min(max(scale - slope / curvature, 1), 4 * scale)
            // Where all are right, no scale is large enough.
            guard next < Self.greatestScale else { return Self.greatestScale }
            if abs(next - scale) < 1e-6 * scale { return next }
            scale = next
        }
        return scale
    }

    private static let greatestScale = 1000.0

    /// The first two derivatives of the mean cross-entropy with respect to the scale.
    private func derivatives(
        _ outputs: [Double], classes: Int, scale: Double
    ) -> (slope: Double, curvature: Double) {
        var (slope, curvature) = (0.0, 0.0)
        for (image, label) in labels.enumerated() {
            let own = outputs[image * classes..<(image + 1) * classes]
            let greatest = own.max() ?? 0
            var (sum, mean, square) = (0.0, 0.0, 0.0)
            for output in own {
                let weight = exp(scale * (output - greatest))
                sum += weight
                mean += weight * output
                square += weight * output * output
            }
            mean /= sum
            slope += mean - own[own.startIndex + label]
            curvature += square / sum - mean * mean
        }
        return (slope / Double(labels.count), curvature / Double(labels.count))
    }
}
