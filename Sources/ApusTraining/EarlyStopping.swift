/// When a run ends before its last epoch: after some epochs that brought nothing better.
///
/// All it goes by is the run's history, which a checkpoint keeps, so a resumed run ends where an uninterrupted one does.
public struct EarlyStopping: Sendable, Hashable {
    public enum Measure: String, Sendable, Hashable, CaseIterable {
        /// The share of test images predicted right.
        case accuracy
        /// The mean loss of the test images.
        case loss
    }

    /// Epochs in a row without improvement that end the run.
    public var patience: Int
    public var measure: Measure
    /// By more than this an epoch must be better than the best one before it to count as an improvement.
    public var minimumImprovement: Double

    public init(patience: Int, measure: Measure = .accuracy, minimumImprovement: Double = 0) {
        self.patience = patience
        self.measure = measure
        self.minimumImprovement = minimumImprovement
    }

    /// The epochs since the last improvement; the first epoch is one.
    public func epochsWithoutImprovement(_ history: [EpochRecord]) -> Int {
        var best: Double?
        var waited = 0
        for record in history {
            guard let value = measured(record) else { continue }
            if best.map({ value - $0 > minimumImprovement }) ?? true {
                best = value
                waited = 0
            } else {
                waited += 1
            }
        }
        return waited
    }

    /// Whether a run of this history is over.
    public func ends(_ history: [EpochRecord]) -> Bool { epochsWithoutImprovement(history) >= patience }

    /// The greater, the better.
    private func measured(_ record: EpochRecord) -> Double? {
        switch measure {
        case .accuracy: record.testAccuracy
        case .loss: record.testLoss.map { -$0 }
        }
    }

    func check() throws {
        guard patience >= 1 else {
            throw TrainingError.configuration("a patience of \(patience) epochs; it must be at least 1")
        }
        guard minimumImprovement >= 0, minimumImprovement.isFinite else {
            throw TrainingError.configuration(
                "a minimum improvement of \(minimumImprovement); it must be at least 0 and finite")
        }
    }
}
