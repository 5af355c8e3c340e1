import ApusData
import ApusFormats
import ApusNN
import Foundation

/// A run of training as a page of HTML that needs nothing beside itself: curves, confusion matrix, scores of the classes,
/// the worst mistakes, the first filters, the network, and how to repeat it.
///
///     try trainer.report(RunDescription(title: "Photos")).write(to: folder.report)
public struct RunReport: Sendable {
    /// An image of the test that was taken for another class, and its picture where it can be read.
    struct Example: Sendable {
        let mistake: Mistake
        let picture: PixelImage?
    }

    let description: RunDescription
    let progress: RunProgress
    let outcome: TestOutcome?
    let examples: [Example]
    let filters: FilterPictures?
    let summary: NetworkSummary
    let date: Date

    /// Where a run is.
    struct RunProgress: Sendable {
        var history: [EpochRecord]
        /// Epochs that were asked for.
        var epochs: Int
        var isComplete: Bool
    }

    /// Photos are shown no larger than this.
    private static let greatestExtent = 112

    /// - Parameters:
    ///   - history: what each epoch came to.
    ///   - epochs: how many were asked for.
    ///   - isComplete: whether nothing is left to train.
    ///   - outcome: of the test of `classifier` on the images of `test`, where there was one.
    ///   - batchSize: of training, for the memory that the summary tells.
    public init(
        _ classifier: Classifier, history: [EpochRecord], epochs: Int, isComplete: Bool,
        outcome: TestOutcome?, test: any Dataset, batchSize: Int,
        description: RunDescription = RunDescription(), date: Date = Date()
    ) throws {
        self.description = description.titled(classifier.modelName)
        progress = RunProgress(history: history, epochs: epochs, isComplete: isComplete)
        self.outcome = outcome
        // A report does without a picture that cannot be read.
        examples = (outcome?.mistakes ?? []).map { mistake in
            let size = ImageSize(height: Self.greatestExtent, width: Self.greatestExtent)
            let picture = try? test.image(mistake.image, atLeast: size).reduced(toExtent: Self.greatestExtent)
            return Example(mistake: mistake, picture: picture)
        }
        filters = FilterPictures(first: classifier.network)
        summary = try classifier.network.summary(batchSize: batchSize)
        self.date = date
    }

    /// Writes the page, whole or not at all.
    ///
    /// - Throws: `FileError` where it cannot be written.
    public func write(to url: URL) throws { try AtomicFile.write(Data(html.utf8), to: url) }
}

/// What a report says of a run that its trainer does not know.
public struct RunDescription: Sendable, Equatable {
    /// Facts under a heading, each with its name.
    public struct Facts: Sendable, Equatable {
        public var title: String
        public var rows: [Row]

        public struct Row: Sendable, Equatable {
            public var name: String
            public var text: String

            public init(_ name: String, _ text: String) {
                self.name = name
                self.text = text
            }
        }

        public init(_ title: String, _ rows: [Row]) {
            self.title = title
            self.rows = rows
        }
    }

    /// By default the model's name.
    public var title: String?
    public var facts: [Facts]
    /// The command line that repeats the run.
    public var command: String?

    public init(title: String? = nil, facts: [Facts] = [], command: String? = nil) {
        self.title = title
        self.facts = facts
        self.command = command
    }

    fileprivate func titled(_ title: String) -> RunDescription {
        RunDescription(title: self.title ?? title, facts: facts, command: command)
    }
}

extension Trainer {
    /// The run as it is; the test is that of the last epoch.
    ///
    /// - Parameter outcome: of a test of `tested`, where this trainer has completed no epoch yet.
    public func report(
        _ description: RunDescription = RunDescription(), outcome: TestOutcome? = nil
    ) throws -> RunReport {
        try RunReport(
            tested, history: history, epochs: configuration.epochs, isComplete: isComplete,
            outcome: outcome ?? lastTest, test: test, batchSize: configuration.batchSize,
            description: description)
    }
}
