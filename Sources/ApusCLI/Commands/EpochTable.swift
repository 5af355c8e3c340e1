import ApusTraining

/// Epochs as lines of a table, with as many columns as the terminal has room for.
struct EpochTable {
    private let epochs: Int
    /// The columns of the lines so far; titles are written anew where the terminal gets room for others.
    private var shown: [Column] = []

    init(epochs: Int) { self.epochs = epochs }

    /// The titles of the columns that fit into `width`; none where they are those already written.
    mutating func titles(columns width: Int) -> [String] {
        let columns = Column.fitting(width)
        guard columns != shown else { return [] }
        shown = columns
        return [columns.map { $0.title.padded(to: $0.width, .right) }.joined()]
    }

    /// The line of an epoch, below titles where the columns are others than before.
    mutating func lines(_ record: EpochRecord, columns width: Int) -> [String] {
        titles(columns: width) + [
            shown.map { $0.text(record, of: epochs).padded(to: $0.width, .right) }.joined()
        ]
    }

    private enum Column: CaseIterable {
        case epoch, trainLoss, trainAccuracy, testLoss, testAccuracy, rate, throughput, time

        /// Those that fit into `width`; the least telling are left out first.
        static func fitting(_ width: Int) -> [Column] {
            var columns = allCases
            for dropped in [Column.rate, .throughput, .trainAccuracy, .trainLoss, .time, .testLoss]
            where columns.reduce(0, { $0 + $1.width }) > width {
                columns.removeAll { $0 == dropped }
            }
            return columns
        }

        var title: String {
            switch self {
            case .epoch: "epoch"
            case .trainLoss: "train loss"
            case .trainAccuracy, .testAccuracy: "accuracy"
            case .testLoss: "test loss"
            case .rate: "rate"
            case .throughput: "images/s"
            case .time: "time"
            }
        }

        var width: Int {
            switch self {
            case .epoch: 7
            case .trainLoss: 12
            case .trainAccuracy, .testAccuracy: 10
            case .testLoss, .rate: 11
            case .throughput, .time: 9
            }
        }

        func text(_ record: EpochRecord, of epochs: Int) -> String {
            switch self {
            case .epoch: "\(record.epoch)/\(epochs)"
            case .trainLoss: record.trainLoss.decimals(4)
            case .trainAccuracy: record.trainAccuracy.decimals(4)
            case .testLoss: record.testLoss?.decimals(4) ?? "-"
            case .testAccuracy: record.testAccuracy?.decimals(4) ?? "-"
            case .rate: record.learningRate.digits(3)
            case .throughput: HumanText.count(record.imagesPerSecond)
            case .time: HumanText.duration(seconds: record.seconds)
            }
        }
    }
}
