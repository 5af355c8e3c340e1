/// What can be wrong with the numbers that a metric is asked to sum up.
public enum MetricsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A report on no samples has no value: every average would be 0 / 0.
    case noSamples
    /// A label or prediction that is no index of a class.
    case classOutOfRange(index: Int, classCount: Int)
    /// The loss is not a number or infinite.
    case lossNotFinite(Double)

    public var description: String {
        switch self {
        case .noSamples:
            "a classification report needs at least 1 sample, found 0"
        case .classOutOfRange(let index, let classCount):
            "a class index must be at least 0 and less than \(classCount), found \(index)"
        case .lossNotFinite(let loss):
            "the loss of a classification report must be a finite number, found \(loss)"
        }
    }
}
