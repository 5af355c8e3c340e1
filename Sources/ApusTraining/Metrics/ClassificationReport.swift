import ApusFormats
import Foundation

/// Accuracy, and precision, recall and F1 of every class and on average, from a confusion matrix.
///
/// With true positives `tp`, predicted positives `pp` and actual positives `ap` of a class:
///
///     precision = tp / pp      recall = tp / ap      F1 = 2 tp / (pp + ap)      support = ap
///
/// A quotient by 0 is 0, as in scikit-learn with `zero_division=0`. The averages run over *all* classes of
/// the model, as there with `labels=range(classes)`: a class that is neither present nor predicted counts as
/// 0 in the macro average. (Left to itself scikit-learn leaves such a class out.)
public struct ClassificationReport: Sendable, Equatable, Codable {
    /// The three figures of a class, or their average.
    public struct Scores: Sendable, Equatable, Codable {
        public let precision: Double
        public let recall: Double
        public let f1: Double
    }

    /// The figures of one class.
    public struct ClassScores: Sendable, Equatable, Codable {
        public let name: String
        public let precision: Double
        public let recall: Double
        public let f1: Double
        /// The number of samples of this class.
        public let support: Int
    }

    /// The share of samples predicted right.
    public let accuracy: Double
    /// The mean loss over the samples, where it was measured.
    public let loss: Double?
    /// The mean over classes, each with the same weight.
    public let macroAverage: Scores
    /// The mean over classes, weighted by their support.
    public let weightedAverage: Scores
    public let perClass: [ClassScores]
    /// The confusion matrix: `confusion[actual][predicted]`.
    public let confusion: [[Int]]

    private enum CodingKeys: String, CodingKey {
        case accuracy, loss
        case macroAverage = "macro"
        case weightedAverage = "weighted"
        case perClass, confusion
    }

    /// Sums up a confusion matrix.
    ///
    /// - Parameter loss: The mean loss over the same samples, where it was measured.
    /// - Throws: `MetricsError.noSamples` for an empty matrix, `.lossNotFinite` for a loss that is none.
    public init(_ matrix: ConfusionMatrix, loss: Double? = nil) throws(MetricsError) {
        guard matrix.sampleCount > 0 else { throw .noSamples }
        if let loss, !loss.isFinite { throw .lossNotFinite(loss) }

        accuracy = matrix.accuracy
        self.loss = loss
        let perClass = (0..<matrix.classCount).map { ClassScores($0, of: matrix) }
        macroAverage = Scores(averaging: perClass) { _ in 1 }
        weightedAverage = Scores(averaging: perClass) { $0.support }
        self.perClass = perClass
        confusion = matrix.rows
    }

    /// The number of samples reported on.
    public var sampleCount: Int { perClass.reduce(0) { $0 + $1.support } }

    /// The report as one line of JSON, keys in alphabetical order.
    ///
    /// - Throws: Whatever the encoder throws; every number being finite, it has no reason to.
    public func json() throws -> String {
        String(decoding: try JSONEncoder.forLines.encode(self), as: UTF8.self)
    }
}

extension ClassificationReport.ClassScores {
    init(_ index: Int, of matrix: ConfusionMatrix) {
        let truePositives = Double(matrix[actual: index, predicted: index])
        let predicted = matrix.predictedCount(index)
        support = matrix.actualCount(index)
        name = matrix.classNames[index]
        precision = truePositives.divided(by: predicted)
        recall = truePositives.divided(by: support)
        f1 = (2 * truePositives).divided(by: predicted + support)
    }
}

extension ClassificationReport.Scores {
    init(
        averaging classes: [ClassificationReport.ClassScores],
        weight: (ClassificationReport.ClassScores) -> Int
    ) {
        let total = classes.reduce(0) { $0 + weight($1) }
        func mean(_ score: KeyPath<ClassificationReport.ClassScores, Double>) -> Double {
            classes.reduce(0) { $0 + $1[keyPath: score] * Double(weight($1)) }.divided(by: total)
        }
        precision = mean(\.precision)
        recall = mean(\.recall)
        f1 = mean(\.f1)
    }
}
