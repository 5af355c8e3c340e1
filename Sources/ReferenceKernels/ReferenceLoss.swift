import Foundation

/// Losses, with their gradients with respect to the predictions.
public enum ReferenceLoss {
    /// Softmax cross-entropy, the mean over the rows `[batch, classes]` of
    /// `-sum over c of t_c log softmax(x)_c`, and its gradient `(softmax(x) - t) / batch`.
    ///
    /// With class weights w, each target is `w_c t_c`, the gradient `softmax(x) times the sum of targets, - targets`, and
    /// the mean divides by the sum of the labels' weights, as in PyTorch.
    ///
    /// The target t is `1 - labelSmoothing` for the label plus `labelSmoothing / classes` for every class, as
    /// in PyTorch (Szegedy et al. 2016, "Rethinking the Inception Architecture for Computer Vision").
    @inlinable
    public static func crossEntropy<Scalar: BinaryFloatingPoint>(
        _ logits: [Scalar], labels: [Int], classes: Int, labelSmoothing: Double = 0,
        classWeights: [Double]? = nil
    ) -> (value: Scalar, gradient: [Scalar]) {
        precondition(logits.count == labels.count * classes, "a label is needed for each row")
        let logarithms = ReferenceSoftmax.logarithm(logits, classes: classes)
        let weights = classWeights ?? [Double](repeating: 1, count: classes)
        let batch = labels.reduce(0) { $0 + weights[$1] }
        func target(_ place: Int) -> Double {
            let isLabel = place % classes == labels[place / classes]
            return weights[place % classes]
                * ((isLabel ? 1 - labelSmoothing : 0) + labelSmoothing / Double(classes))
        }
        var value = 0.0
        var gradient: [Scalar] = []
        for (place, logarithm) in logarithms.enumerated() {
            let row = place / classes * classes
            let mass = (row..<row + classes).reduce(0) { $0 + target($1) }
            let target = target(place)
            // A class of no weight counts nothing, however unlikely: 0 times infinity is not a loss.
            if target != 0 { value -= target * logarithm / batch }
            gradient.append(Scalar((exp(logarithm) * mass - target) / batch))
        }
        return (Scalar(value), gradient)
    }

    /// The mean over all elements of `(prediction - target)^2`, and its gradient
    /// `2 (prediction - target) / count`.
    @inlinable
    public static func meanSquaredError<Scalar: BinaryFloatingPoint>(
        _ predictions: [Scalar], targets: [Scalar]
    ) -> (value: Scalar, gradient: [Scalar]) {
        precondition(predictions.count == targets.count, "a target is needed for each prediction")
        let count = Scalar(predictions.count)
        let differences = zip(predictions, targets).map { $0 - $1 }
        var sum: Scalar = 0
        for difference in differences { sum += difference * difference }
        return (sum / count, differences.map { 2 * $0 / count })
    }
}
