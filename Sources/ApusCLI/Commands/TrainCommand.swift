import ApusData
import ApusTraining
import Foundation

/// `apus train`: trains a network, and tests it.
struct TrainCommand: Command {
    private static let output = Option<String?>(
        "output", short: "o", "folder", absent: "runs/MODEL",
        help: "Where the checkpoints, the log and the report go: a folder without a run in it.")
    private static let resume = Flag(
        "resume", short: "r", help: "Go on with the run in the output folder, with the settings it has.")
    private static let microBatch = Option<Int?>(
        "micro-batch", "n", absent: "the batch", .between(1, and: 1_000_000),
        help: "Images of a step computed at once, their gradients adding up; results do not depend on it.")
    private static let quiet = Flag("quiet", short: "q", help: "Write nothing but errors.")

    static let specification = CommandSpecification(
        "train", abstract: "Trains a network on labelled images, and tests it.",
        groups: TrainSettings.groups + RunSettings.groups + [
            OptionGroup(
                "The run", [output, resume, CommonOptions.threads, microBatch, CommonOptions.strict, quiet])
        ],
        examples: [
            Example("train", "LeNet-5 on Fashion-MNIST, into runs/lenet5: 91 % of the test images right."),
            Example(
                "train --recipe lenet5-fast --output runs/fast", "The same in fewer epochs, and less time."),
            Example(
                "train --optimizer adamw --schedule cosine --epochs 5 --output runs/adamw",
                "Another optimiser and schedule, into a folder of its own."),
            Example(
                "train --augment rotate=10,shift=0.1,flip --output runs/augmented",
                "Every epoch sees other variants of the images."),
            Example(
                "train --resume --output runs/adamw",
                "Go on where Ctrl-C, or anything worse, has stopped that run."),
            Example(
                "train --epochs 100 --patience 8 --ema 0.999 --keep 3 --output runs/long",
                "Averaged weights, until eight epochs bring nothing better; the last three epochs stay."),
            Example(
                "train --model squeezenet1_1 --image-size 64 --recipe squeezenet",
                "SqueezeNet on images enlarged for it, with the rate and batch of its paper."),
            Example(
                "train -m squeezenet1_1 -d folder=photos --image-size 128 -o runs/photos",
                "SqueezeNet on the photos in photos/cat, photos/dog, ..., a fifth of them to test on."),
            Example(
                "train --weights small.apus --epochs 2 --learning-rate 0.01 -o runs/tuned",
                "Fine-tuning of what 'apus compress' made: layers stay factored, zeros zero, shared weights shared."
            ),
            Example(
                "train -m squeezenet1_1 --weights other.safetensors --freeze 'features.*'",
                "A classifier of its own for features that were learned on other images."),
        ])

    let arguments: ParsedArguments
    /// What a new run starts from.
    let start: StartingPoint?
    let settings: TrainSettings
    let folder: URL
    let isResumed: Bool
    let threads: Int?
    let microBatch: Int?
    let isStrict: Bool
    let isQuiet: Bool

    init(_ arguments: ParsedArguments) throws {
        isResumed = arguments[Self.resume]
        // A run that is taken up has all of it; its starting weights may be gone.
        let model = arguments.contains(CommonOptions.model) ? arguments[CommonOptions.model] : nil
        start = try (isResumed ? nil : arguments[TrainSettings.weights])
            .map { try StartingPoint($0, for: model, arguments) }
        let arguments = try start?.completed() ?? arguments
        self.arguments = arguments
        settings = try TrainSettings(arguments)
        folder = URL(fileURLWithPath: arguments[Self.output] ?? "runs/\(settings.model.folderName)")
        threads = arguments[CommonOptions.threads]
        microBatch = arguments[Self.microBatch]
        isStrict = arguments[CommonOptions.strict]
        isQuiet = arguments[Self.quiet]
    }

    func run(on console: Console) throws -> ExitCode {
        let run = try isResumed ? resumedRun() : newRun(on: console)
        return try run.finish(on: console, quiet: isQuiet)
    }

    private func newRun(on console: Console) throws -> TrainingRun {
        let data = try load(settings, normalization: settings.normalization)
        if let whitening = settings.whitening {
            // For colour images of 32x32 that takes a minute.
            console.reporter(quiet: isQuiet).line(
                "Fitting the whitening to \(min(whitening.images, data.train.count).counted("image"))")
        }
        let size = settings.imageSize.map { ", resized to \($0)" } ?? ""
        let images = "the images of \(settings.data), of \(data.extentText)\(size)"
        let model = try settings.model(for: data)
        let (trainer, weights) = try settings.model.built(for: images) {
            let classifier = try Classifier(
                model, for: data, imageSize: settings.imageSize,
                preprocessing: start?.preprocessing(for: data), whitening: settings.whitening,
                backend: settings.backend, freezing: settings.frozen, seed: settings.configuration.seed,
                threads: threads)
            let weights = try start.map { try StartingWeights($0, for: classifier.network) }
            let constrained = try weights.map { try classifier.constrained(by: $0.constraints) }
            return (try self.trainer(constrained ?? classifier, on: data, settings), weights)
        }
        try settings.checkSchedule(stepsPerEpoch: trainer.stepsPerEpoch)
        let (folder, lock) = try newFolder()
        let run = TrainingRun(
            trainer: trainer, data: data, settings: settings, weights: weights, folder: folder, lock: lock)
        // What cannot be written is better known before an epoch than after it.
        try run.save()
        return run
    }

    private func load(_ settings: TrainSettings, normalization: Normalization?) throws -> DatasetSplits {
        try settings.data.load(normalization: normalization, isStrict: isStrict)
    }

    private func trainer(
        _ classifier: Classifier, on data: DatasetSplits, _ settings: TrainSettings
    ) throws -> Trainer {
        var configuration = try settings.configuration(for: data, classes: classifier.classNames.count)
        configuration.microBatch = microBatch ?? configuration.microBatch
        guard let augmentation = settings.augmentation else {
            return try Trainer(classifier, on: data, configuration, threads: threads)
        }
        do {
            let images = try AugmentedImages(data.train, augmentation, classifier.preprocessing)
            return try Trainer(classifier, on: images, test: data.test, configuration, threads: threads)
        } catch let error as TransformError {
            throw CommandError("\(CommonOptions.augment.spelling): \(error)")
        }
    }

    private func newFolder() throws -> (RunFolder, RunFolderLock) {
        do {
            let folder = try RunFolder.new(at: folder)
            let lock = try folder.lock()
            // Another process may have run to its end before the lock was had.
            try folder.checkIsNew()
            folder.removeLeftovers()
            return (folder, lock)
        } catch let error as RunFolderError {
            let old = RunFolder(at: folder)
            var canGoOn = FileManager.default.fileExists(atPath: old.checkpoint.path)
            if case .inUse = error { canGoOn = false }
            let resumption = "go on with it by --resume --output \(old.shownPath.quotedForShell), or "
            throw CommandError(
                "\(error); \(canGoOn ? resumption : "")name another folder by --output")
        }
    }

    private func resumedRun() throws -> TrainingRun {
        let folder = try RunFolder.existing(at: folder)
        let lock = try folder.lock()
        let checkpoint = try Checkpoint(contentsOf: folder.checkpoint)
        let settings = try savedSettings(checkpoint)
        try settings.checkAgreement(with: arguments, path: folder.shownPath)
        let classifier = try checkpoint.classifier(backend: settings.backend, freezing: settings.frozen)
        let data = try load(settings, normalization: classifier.preprocessing.imageNormalization)
        let trainer = try trainer(classifier, on: data, settings)
        try trainer.resume(from: checkpoint)
        folder.removeLeftovers()
        return TrainingRun(
            trainer: trainer, data: data, settings: settings, weights: nil, folder: folder, lock: lock)
    }

    private func savedSettings(_ checkpoint: Checkpoint) throws -> TrainSettings {
        let path = RunFolder.shown(checkpoint.path)
        guard let texts = checkpoint.settings else {
            throw CommandError("\(path) holds a network, but no run of training to go on with")
        }
        var changed = texts
        for option in RunSettings.changeable where arguments.contains(option) {
            changed[option.name] = self.settings.texts[option.name]
        }
        do {
            return try TrainSettings(texts: changed, in: Self.specification)
        } catch {
            throw CommandError("\(path) holds settings that are not those of this program: \(error)")
        }
    }
}
