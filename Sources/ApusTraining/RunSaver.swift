import ApusFormats
import Foundation

/// How often a run is saved in the midst of an epoch.
public enum SaveInterval: Sendable, Hashable {
    /// After so many steps since it was last saved.
    case steps(Int)
    /// After the first step that ends so much later.
    case seconds(Double)
}

/// Keeps a run in its folder while it goes on, so that a process that is killed loses little of it.
///
///     let saver = RunSaver(trainer, in: try .new(at: url), every: .seconds(60), keeping: 3)
///     try saver.save()
///     try trainer.fit(onStep: { _ in try saver.keepStep() }, onEpoch: { try saver.keep($0) })
///     try saver.save()
///
/// Every file is written beside its target, flushed to disk and renamed, so that at any moment those that are there are
/// whole. Where one cannot be written the error ends the run, and the old one stays.
public final class RunSaver {
    public let folder: RunFolder
    private let trainer: Trainer
    private let settings: [String: String]
    private let interval: SaveInterval?
    private let keptEpochs: Int
    private let loggedSteps: Int
    /// Begun with the first that it is to hold, so that who only saves a run leaves no empty file.
    private var events: EventFileWriter?
    /// How far the run was when this began.
    private let begun: TrainingProgress
    private var savedStep: Int
    private var savedAt = ContinuousClock.now

    /// - Parameters:
    ///   - settings: what the run was started with, kept in its checkpoints as it is.
    ///   - interval: how often it is saved in the midst of an epoch; by default it is not.
    ///   - keptEpochs: of so many of the last epochs a checkpoint stays, beside the best one and the last.
    ///   - loggedSteps: TensorBoard is told of every so many steps.
    public init(
        _ trainer: Trainer, in folder: RunFolder, settings: [String: String] = [:],
        every interval: SaveInterval? = nil, keeping keptEpochs: Int = 0, logging loggedSteps: Int = 100
    ) {
        precondition(loggedSteps >= 1, "events of every \(loggedSteps) steps")
        self.trainer = trainer
        self.folder = folder
        self.settings = settings
        self.interval = interval
        self.keptEpochs = keptEpochs
        self.loggedSteps = loggedSteps
        begun = trainer.progress
        savedStep = trainer.progress.step
    }

    /// Saves the run as it is.
    ///
    /// - Throws: `TrainingError.diverged` where a parameter is not finite, `FileError` where the file cannot be written.
    public func save() throws { try write(trainer.checkpoint(settings: settings)) }

    /// Tells TensorBoard of steps and saves the run, each where it is time to: to be called after each step.
    ///
    /// - Returns: true, as `fit` goes on by.
    /// - Throws: as `save`.
    @discardableResult
    public func keepStep() throws -> Bool {
        let isTime =
            switch interval {
            case .steps(let count): trainer.progress.step - savedStep >= count
            case .seconds(let seconds): (ContinuousClock.now - savedAt) / .seconds(1) >= seconds
            case nil: false
            }
        let progress = trainer.progress
        try eventFile().add(progress, rate: trainer.rate(at: progress.step - 1))
        if isTime { try save() }
        return true
    }

    /// Logs an epoch and saves the run after it, as the best one too where it is: to be called after each epoch.
    ///
    /// - Returns: true, as `fit` goes on by.
    /// - Throws: as `save`, and `JSONLinesError` where the log takes no more.
    @discardableResult
    public func keep(_ record: EpochRecord) throws -> Bool {
        try folder.appendToLog(record)
        try folder.writeTable(trainer.history)
        try eventFile().add(record, step: trainer.progress.step)
        let bytes = try trainer.checkpoint(settings: settings)
        if trainer.history.best == record { try AtomicFile.write(bytes, to: folder.bestCheckpoint) }
        if keptEpochs > 0 { try folder.write(bytes, afterEpoch: record.epoch, keeping: keptEpochs) }
        // Last of all: a run that goes on from it has written the others.
        try write(bytes)
        return true
    }

    private func eventFile() throws -> EventFileWriter {
        if let events { return events }
        let new = try EventFileWriter(in: folder.url, after: begun, every: loggedSteps)
        events = new
        return new
    }

    private func write(_ bytes: Data) throws {
        try AtomicFile.write(bytes, to: folder.checkpoint)
        savedStep = trainer.progress.step
        savedAt = .now
    }
}
