/// What can be wrong with the numbers that a metric is asked to sum up.
public enum MetricsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A report on no samples has no value: every average would be 0 / 0.
    case noSamples
    /// A label or prediction that is no index of a class.
    case classOutOfRange(index: Int, classCount: Int)
    /// Two confusion matrices of different classes cannot be added.
    case differentClasses(left: [String], right: [String])
    /// The loss is not a number or infinite.
    case lossNotFinite(Double)

    public var description: String {
        switch self {
        case .noSamples:
            "a classification report needs at least 1 sample, found 0"
        case .classOutOfRange(let index, let classCount):
            "a class index must be at least 0 and less than \(classCount), found \(index)"
        case .differentClasses(let left, let right):
            "confusion matrices must have the same classes to be added, found \(left) and \(right)"
        case .lossNotFinite(let loss):
            "the loss of a classification report must be a finite number, found \(loss)"
        }
    }
}
