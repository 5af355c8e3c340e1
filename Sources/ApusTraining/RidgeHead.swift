import ApusData
import ApusKernels
import ApusNN

/// Fits the last layer of a classifier in closed form, all else staying as it is: ridge regression of the classes on
/// the features (Hoerl and Kennard, 1970, "Ridge regression: biased estimation for nonorthogonal problems").
///
/// A class is the number 1 in its place and 0 in the others; features and these targets are taken from their means, so
/// the bias is free. `XᵀX` is summed in one pass over the images, in double precision, with the same bits for any number of
/// threads, and solved by Cholesky factorisation. A tenth of each class's images, drawn at random, is held out to choose
/// the penalty by the mean squared error on them; the weights are then those of all images.
///
/// **Scale.** Least squares gives outputs from 0 to 1, whose softmax would be near to even. They are multiplied by the
/// number, at least 1, that makes the cross-entropy of the held-out images least, which changes no answer.
///
/// **ReLU.** Where a ReLU follows the head, as in SqueezeNet, the biases of all classes are raised by one number that no
/// softmax notices, so large that the ReLU cuts nothing off in the training images, with as much again to spare. That
/// takes a second pass.
public struct RidgeHead: Sendable, Encodable {
    /// A penalty that was tried.
    public struct Trial: Sendable, Hashable, Codable {
        public let penalty: Double
        /// Of the held-out images, summed over the classes; nil where the equations could not be solved.
        public let meanSquaredError: Double?
    }

    public static let defaultPenalties = [0.001, 0.01, 0.1, 1, 10, 100, 1000]

    public let penalty: Double
    /// None where a single penalty was asked for.
    public let trials: [Trial]
    /// An estimate of the condition of `XᵀX + penalty I`.
    public let condition: Double
    public let images: Int
    public let features: Int
    public let classes: Int
    /// Of all images the head was fitted to, summed over the classes, before outputs are scaled.
    public let meanSquaredError: Double
    /// What outputs are multiplied with.
    public let scale: Double
    /// What all biases are raised by, for a ReLU after the head.
    public let lift: Double

    static let imagesOfBatch = 256

    /// Fits the head of `classifier` to images, which are not augmented, and sets its weights and biases.
    ///
    /// The classifier must not predict meanwhile.
    ///
    /// - Parameters:
    ///   - data: of the classifier's classes, or the first of them; classes without images get weights of 0, and are never
    ///     answered.
    ///   - penalties: those to choose from; what is added to the diagonal of `XᵀX`.
    ///   - threads: by default as many as the process may use; the result does not depend on it.
    /// - Throws: `LinearHeadError` where the network has no such head; `RidgeHeadError`; `ClassifierError` where the data are
    ///   not the classifier's; what keeps an image from being read. The weights are then as they were.
    public init(
        fitting classifier: Classifier, to data: any Dataset, penalties: [Double] = defaultPenalties,
        threads: Int? = nil
    ) throws {
        guard !penalties.isEmpty, penalties.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw RidgeHeadError.invalidPenalties(penalties)
        }
        let network = classifier.network
        let head = try LinearHead(of: network)
        guard let bias = head.bias else { throw RidgeHeadError.noBias(weight: head.weight.name) }
        guard !classifier.constraints.contains(head.weight.name) else {
            throw RidgeHeadError.constrained(weight: head.weight.name)
        }
        try classifier.checkClasses(of: data)
        let workers = Workers(count: threads)
        let samples = try HeadSamples(of: data, classifier, head, workers: workers)
        let all = samples.fitted + samples.heldOut
        let (penalty, trials) = try Self.choose(penalties, samples, classes: head.outputs)
        let solution = try Self.solve(all, classes: head.outputs, penalty: penalty)
        scale = try samples.scale(Self.solve(samples.fitted, classes: head.outputs, penalty: penalty))
        self.penalty = penalty
        self.trials = trials
        condition = solution.condition
        images = all.count
        features = head.inputs
        classes = head.outputs
        meanSquaredError = solution.meanSquaredError(over: all)

        let weights = solution.weights.map { [scale] in Float($0 * scale) }
        let biases = solution.intercepts.map { [scale] in Float($0 * scale) }
        let old = (weight: network.values(of: head.weight), bias: network.values(of: bias))
        func set(_ values: [Float], of parameter: Parameter) throws {
            guard values.allSatisfy(\.isFinite) else { throw RidgeHeadError.notFinite }
            try network.setValues(values, of: parameter)
        }
        do {
            try set(weights, of: head.weight)
            try set(biases, of: bias)
            lift = try Self.lift(classifier, head, data, workers)
            try set(biases.map { [lift] in $0 + Float(lift) }, of: bias)
        } catch {
            try network.setValues(old.weight, of: head.weight)
            try network.setValues(old.bias, of: bias)
            throw error
        }
    }

    private static func solve(
        _ samples: Covariance, classes: Int, penalty: Double
    ) throws -> RidgeRegression {
        do {
            return try RidgeRegression(samples, targets: classes, penalty: penalty)
        } catch let error as CholeskyError {
            throw RidgeHeadError.singular(penalty: penalty, error)
        }
    }

    /// The penalty of the least error on the held-out images.
    private static func choose(
        _ penalties: [Double], _ samples: HeadSamples, classes: Int
    ) throws -> (Double, [Trial]) {
        guard penalties.count > 1 else { return (penalties[0], []) }
        guard samples.heldOut.count > 0 else { throw RidgeHeadError.tooFewImages(samples.fitted.count) }
        var failure: (any Error)?
        let trials = try penalties.map { penalty in
            do {
                let solution = try solve(samples.fitted, classes: classes, penalty: penalty)
                return Trial(
                    penalty: penalty, meanSquaredError: solution.meanSquaredError(over: samples.heldOut))
            } catch let error as RidgeHeadError {
                failure = error
                return Trial(penalty: penalty, meanSquaredError: nil)
            }
        }
        let best = trials.filter { $0.meanSquaredError != nil }
            .min { ($0.meanSquaredError ?? 0) < ($1.meanSquaredError ?? 0) }
        guard let best else { throw failure ?? RidgeHeadError.notFinite }
        return (best.penalty, trials)
    }

    /// What all biases must be raised by for the ReLU after the head to cut nothing off.
    private static func lift(
        _ classifier: Classifier, _ head: LinearHead, _ data: any Dataset, _ workers: Workers
    ) throws -> Double {
        guard let layers = head.unrectified else { return 0 }
        // Maps for each class are large: a few images at a time.
        let network = try classifier.network.part(layers)
        var least: Float = 0
        try classifier.forEachBatch(of: data, upTo: 32, in: network, workers: workers) { _, _, outputs in
            least = min(least, outputs.channelsFirstArray.min() ?? 0)
        }
        guard least.isFinite else { throw RidgeHeadError.notFinite }
        return Double(-2 * least)
    }
}

/// A head that cannot be fitted.
public enum RidgeHeadError: Error, Sendable, Hashable, CustomStringConvertible {
    case invalidPenalties([Double])
    case noBias(weight: String)
    /// The weights are pruned or shared, which a fit would undo.
    case constrained(weight: String)
    /// None are held out to choose a penalty by.
    case tooFewImages(Int)
    case notFinite
    case singular(penalty: Double, CholeskyError)

    public var description: String {
        switch self {
        case .invalidPenalties(let penalties):
            "found the penalties \(penalties), expected at least one, and none below 0"
        case .noBias(let weight):
            "found no bias beside \(weight), expected one to hold the classes' means"
        case .constrained(let weight):
            "found \(weight) pruned or shared, expected weights that are free: fit the head first"
        case .tooFewImages(let count):
            "found \(count) images, expected 10 or more to choose among penalties, or a single penalty"
        case .notFinite: "found features, or weights fitted to them, that are not finite, expected numbers"
        case .singular(let penalty, let error):
            "with a penalty of \(penalty) the equations have no solution to rely on: \(error). Features are constant, "
                + "copies or sums of each other, or more than the images; a greater penalty helps"
        }
    }
}
