/// How often samples of each actual class were predicted as each class: `[actual, predicted]` counts.
public struct ConfusionMatrix: Sendable, Equatable {
    /// The names of the classes, in the order of the model's outputs.
    public let classNames: [String]

    /// Row-major `[actual, predicted]`.
    private var counts: [Int]

    /// Creates a matrix of zeros.
    public init(classNames: [String]) {
        self.classNames = classNames
        counts = Array(repeating: 0, count: classNames.count * classNames.count)
    }

    public var classCount: Int { classNames.count }

    /// The number of samples recorded.
    public var sampleCount: Int { counts.reduce(0, +) }

    /// The number of samples whose predicted class is their actual one.
    public var correctCount: Int { (0..<classCount).reduce(0) { $0 + self[actual: $1, predicted: $1] } }

    /// The share of samples predicted right, or 0 where there are none.
    public var accuracy: Double { Double(correctCount).divided(by: sampleCount) }

    /// The number of samples of class `actual` that were predicted as class `predicted`.
    public subscript(actual actual: Int, predicted predicted: Int) -> Int {
        counts[actual * classCount + predicted]
    }

    /// The counts as rows: `rows[actual][predicted]`.
    public var rows: [[Int]] {
        (0..<classCount).map { Array(counts[$0 * classCount..<($0 + 1) * classCount]) }
    }

    /// The number of samples whose class is `index`: the sum of a row.
    public func actualCount(_ index: Int) -> Int {
        (0..<classCount).reduce(0) { $0 + self[actual: index, predicted: $1] }
    }

    /// The number of samples predicted as class `index`: the sum of a column.
    public func predictedCount(_ index: Int) -> Int {
        (0..<classCount).reduce(0) { $0 + self[actual: $1, predicted: index] }
    }

    /// Counts one sample.
    ///
    /// - Throws: `MetricsError.classOutOfRange` where an index is that of no class.
    public mutating func record(actual: Int, predicted: Int) throws(MetricsError) {
        for index in [actual, predicted] where !(0..<classCount).contains(index) {
            throw .classOutOfRange(index: index, classCount: classCount)
        }
        counts[actual * classCount + predicted] += 1
    }
}

extension Double {
    /// The quotient, or 0 where the divisor is 0: the metrics' `zero_division=0`.
    func divided(by divisor: Int) -> Double { divisor == 0 ? 0 : self / Double(divisor) }
}
