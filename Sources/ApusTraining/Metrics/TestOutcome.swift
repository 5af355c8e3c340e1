import Foundation

/// What a test came to: how good the network is, and where it was most wrong.
public struct TestOutcome: Sendable, Equatable {
    public let report: ClassificationReport
    /// The images whose true class was thought least likely, of those that were taken for another, worst first: two
    /// dozen at most.
    public let mistakes: [Mistake]
}

/// An image that was taken for one of another class.
public struct Mistake: Sendable, Equatable {
    /// Its index in the dataset.
    public let image: Int
    public let actual: Int
    public let predicted: Int
    /// The probability of the predicted class.
    public let confidence: Double
    /// The cross-entropy: `-log` of the probability of the actual class.
    public let loss: Double

    /// - Parameter outputs: the network's, whose softmax the probabilities are.
    package init(image: Int, actual: Int, predicted: Int, outputs: [Float]) {
        self.image = image
        self.actual = actual
        self.predicted = predicted
        // The predicted class has the greatest output, so that no power overflows.
        let greatest = Double(outputs[predicted])
        let sum = outputs.reduce(0) { $0 + exp(Double($1) - greatest) }
        confidence = 1 / sum
        loss = log(sum) + greatest - Double(outputs[actual])
    }
}

extension [Mistake] {
    /// Those of the greatest loss, in its order; of equals the first image.
    package func worst(_ most: Int) -> [Mistake] {
        Array(sorted { ($1.loss, $0.image) < ($0.loss, $1.image) }.prefix(most))
    }
}
