import ApusTraining
import Foundation

/// `apus train`: trains a network, and tests it.
struct TrainCommand: Command {
    private static let output = Option<String?>(
        "output", short: "o", "folder", absent: "runs/MODEL",
        help: "Where the checkpoints, the log and the report go: a folder without a run in it.")
    private static let resume = Flag(
        "resume", short: "r", help: "Go on with the run in the output folder, with the settings it has.")
    private static let quiet = Flag("quiet", short: "q", help: "Write nothing but errors.")

    static let specification = CommandSpecification(
        "train", abstract: "Trains a network on labelled images, and tests it.",
        groups: TrainSettings.groups + [
            OptionGroup("The run", [output, resume, CommonOptions.threads, quiet])
        ],
        examples: [
            Example("train", "LeNet-5 on Fashion-MNIST, into runs/lenet5: 91 % of the test images right."),
            Example(
                "train --optimizer adamw --schedule cosine --epochs 5 --output runs/adamw",
                "Another optimiser and schedule, into a folder of its own."),
            Example("train --resume --output runs/adamw", "Go on where Ctrl-C has stopped that run."),
        ])

    let arguments: ParsedArguments
    let settings: TrainSettings
    let folder: URL
    let isResumed: Bool
    let threads: Int?
    let isQuiet: Bool

    init(_ arguments: ParsedArguments) throws {
        self.arguments = arguments
        settings = try TrainSettings(arguments)
        folder = URL(fileURLWithPath: arguments[Self.output] ?? "runs/\(settings.model.argument)")
        isResumed = arguments[Self.resume]
        threads = arguments[CommonOptions.threads]
        isQuiet = arguments[Self.quiet]
    }

    func run(on console: Console) throws -> ExitCode {
        let run = try isResumed ? resumedRun() : newRun()
        return try run.finish(on: console, quiet: isQuiet)
    }

    private func newRun() throws -> TrainingRun {
        let data = try settings.data.load()
        let images = "the images of \(settings.data), of \(data.train.shape)"
        let trainer = try settings.model.built(for: images) {
            let classifier = try Classifier(
                settings.model.type.init(classes: data.train.classCount), for: data,
                seed: settings.configuration.seed)
            return try Trainer(classifier, on: data, settings.configuration, threads: threads)
        }
        try settings.checkSchedule(stepsPerEpoch: trainer.stepsPerEpoch)
        let (folder, lock) = try newFolder()
        let run = TrainingRun(
            trainer: trainer, data: data, settings: settings, folder: folder, lock: lock)
        // What cannot be written is better known before an epoch than after it.
        try run.save()
        return run
    }

    private func newFolder() throws -> (RunFolder, RunFolderLock) {
        do {
            let folder = try RunFolder.new(at: folder)
            let lock = try folder.lock()
            // Another process may have run to its end before the lock was had.
            try folder.checkIsNew()
            return (folder, lock)
        } catch let error as RunFolderError {
            var canGoOn = FileManager.default.fileExists(atPath: RunFolder(at: folder).checkpoint.path)
            if case .inUse = error { canGoOn = false }
            throw CommandError(
                "\(error); \(canGoOn ? "go on with it by --resume, or " : "")name another folder by --output")
        }
    }

    private func resumedRun() throws -> TrainingRun {
        let folder = try RunFolder.existing(at: folder)
        let lock = try folder.lock()
        let checkpoint = try Checkpoint(contentsOf: folder.checkpoint)
        let settings = try savedSettings(checkpoint)
        try settings.checkAgreement(with: arguments, path: folder.shownPath)
        let data = try settings.data.load()
        let trainer = try Trainer(
            try checkpoint.classifier(), on: data, settings.configuration, threads: threads)
        try trainer.resume(from: checkpoint)
        folder.removeLeftovers()
        return TrainingRun(trainer: trainer, data: data, settings: settings, folder: folder, lock: lock)
    }

    private func savedSettings(_ checkpoint: Checkpoint) throws -> TrainSettings {
        let path = RunFolder.shown(checkpoint.path)
        guard let texts = checkpoint.settings else {
            throw CommandError("\(path) holds a network, but no run of training to go on with")
        }
        do {
            return try TrainSettings(texts: texts, in: Self.specification)
        } catch {
            throw CommandError("\(path) holds settings that are not those of this program: \(error)")
        }
    }
}
