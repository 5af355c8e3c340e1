import ApusData
import ApusFormats
import ApusKernels
import ApusTraining
import Foundation

/// A run of training in its folder, from where it is to its end.
struct TrainingRun {
    let trainer: Trainer
    let data: DatasetSplits
    let settings: TrainSettings
    /// What a run that has just begun has taken over; nil where it is taken up.
    let weights: StartingWeights?
    let folder: RunFolder
    let lock: RunFolderLock
    private let saver: RunSaver

    /// Trains what is left of the run, and reports on the test images.
    func finish(on console: Console, quiet: Bool) throws -> ExitCode {
        defer { withExtendedLifetime(lock) {} }
        let reporter = console.reporter(quiet: quiet)
        try folder.writeLog(trainer.history)
        if trainer.isComplete {
            reporter.line("The run in \(folder.shownPath) is complete: there is nothing left to train.")
        } else {
            TrainingHeader(self).lines(columns: console.columns).forEach { reporter.line($0) }
            reporter.line(EpochLine.header)
            trainer.history.forEach { reporter.line(EpochLine.text($0, of: epochs)) }
            try StopSignal.catching(quietly: quiet) {
                try train(reporter, program: console.programName) {
                    StopSignal.isRequested || console.outputFailure?.code == EPIPE
                }
            }
            guard trainer.isComplete else {
                reporter.line("")
                reporter.line("Stopped \(trainer.progress.place); saved in \(shown(folder.checkpoint)).")
                reporter.line("Go on with: \(resumption(console.programName))")
                return .interrupted
            }
            if trainer.hasStoppedEarly, let rule = settings.run.earlyStopping {
                reporter.line(
                    "Stopped early: \(rule.patience.counted("epoch")) brought no better \(rule.measure).")
            }
        }
        try report(reporter, on: console)
        return .success
    }

    init(
        trainer: Trainer, data: DatasetSplits, settings: TrainSettings, weights: StartingWeights?,
        folder: RunFolder, lock: RunFolderLock
    ) {
        self.trainer = trainer
        self.data = data
        self.settings = settings
        self.weights = weights
        self.folder = folder
        self.lock = lock
        saver = RunSaver(
            trainer, in: folder, settings: settings.texts, every: settings.run.saveInterval,
            keeping: settings.run.keptEpochs)
    }

    /// Saves the run as it is.
    func save() throws { try saver.save() }

    var epochs: Int { settings.configuration.epochs }

    /// Trains until the end or until `shouldStop` says so, and saves the run as it goes on and when it stops.
    private func train(
        _ reporter: TerminalReporter, program: String, until shouldStop: @escaping () -> Bool
    ) throws {
        beginEpoch(reporter)
        defer { reporter.end() }
        do {
            try trainer.fit(
                onStep: { progress in
                    reporter.advance(to: progress.images)
                    try saver.keepStep()
                    return !shouldStop()
                },
                onEpoch: { record in
                    try keep(record, reporter)
                    return !shouldStop()
                })
            if !trainer.isComplete { try save() }
        } catch let error as TrainingError {
            throw CommandError("\(error); \(saved)")
        } catch let error where error is FileError || error is JSONLinesError {
            throw CommandError("\(error); \(saved); go on with: \(resumption(program))")
        }
    }

    /// What a run that cannot go on has come to.
    private var saved: String {
        let place = (try? Checkpoint(contentsOf: folder.checkpoint))?.progress?.place
        return "\(shown(folder.checkpoint)) holds the run as it was \(place ?? "before")"
    }

    /// The command line that goes on with the run.
    private func resumption(_ program: String) -> String {
        "\(program) train --resume --output \(folder.shownPath.quotedForShell)"
    }

    private func beginEpoch(_ reporter: TerminalReporter) {
        reporter.begin(
            "Epoch \(trainer.progress.epoch + 1)/\(epochs)", total: trainer.imagesPerEpoch,
            completed: trainer.progress.images, unit: "images")
    }

    /// Tells of an epoch, and saves what it came to.
    private func keep(_ record: EpochRecord, _ reporter: TerminalReporter) throws {
        reporter.line(EpochLine.text(record, of: epochs))
        try saver.keep(record)
        if !trainer.isComplete { beginEpoch(reporter) }
    }

    private func report(_ reporter: TerminalReporter, on console: Console) throws {
        let report = try trainer.tested.evaluate(data.test, threads: trainer.workers.count)
        let metrics = RunMetrics(
            report, history: trainer.history, stoppedEarly: trainer.hasStoppedEarly)
        try folder.write(metrics)
        reporter.line("")
        reporter.line("On the \(data.test.count.counted("test image")), after epoch \(metrics.epochs):")
        reporter.line(report.table(columns: console.tableColumns))
        if let epoch = metrics.bestEpoch, let accuracy = metrics.bestTestAccuracy {
            reporter.line(
                "Best test accuracy \(accuracy.decimals(4)) after epoch \(epoch), kept in "
                    + "\(shown(folder.bestCheckpoint)).")
        }
        reporter.line(
            "Trained in \(HumanText.duration(seconds: metrics.seconds)). Evaluate again with: "
                + "\(console.programName) evaluate --checkpoint \(folder.shownPath.quotedForShell)")
    }

    private func shown(_ url: URL) -> String { RunFolder.shown(url.path) }
}

/// What is said of a run before it begins.
private struct TrainingHeader {
    private let run: TrainingRun

    init(_ run: TrainingRun) { self.run = run }

    func lines(columns: Int) -> [String] {
        let trainer = run.trainer
        let network = trainer.classifier.network
        let (data, texts) = (run.data, run.settings.texts)
        let memory = trainer.memory
        var facts = FactList()
        facts.add(
            "model",
            "\(trainer.classifier.modelName): \(network.parameterCount.grouped) parameters, "
                + "\(network.multiplyAdds.grouped) multiply-adds an image")
        if network.trainedParameters.count < network.parameters.count {
            let trained = network.trainedParameters.reduce(0) { $0 + $1.count }
            facts.add(
                "frozen",
                "\(texts["freeze", default: "?"]): \(trained.grouped) parameters are left to train")
        }
        for (index, line) in (run.weights?.lines ?? []).enumerated() {
            facts.add(index == 0 ? "weights" : "", line)
        }
        let preprocessing = trainer.classifier.preprocessing
        let isSeenAsItIs = data.imageSize != nil && preprocessing.image == preprocessing.input
        let seen = isSeenAsItIs ? "" : " seen as \(preprocessing.input)"
        facts.add(
            "data",
            "\(run.settings.data): \(data.train.count.counted("image")) of \(data.extentText)\(seen), and "
                + "\(data.test.count.grouped) to test on")
        let parts =
            texts["accumulate"].map { "accumulated from \($0) of \(texts["batch-size", default: "?"])" }
            .map { " (\($0))" } ?? ""
        let skipped = data.train.skipped + data.test.skipped
        if !skipped.isEmpty {
            facts.add(
                "left out",
                "\(skipped.count.counted("file")) of no whole image: \(skipped.map(\.description).listed)")
        }
        facts.add(
            "training",
            "\(run.epochs.counted("epoch")) of \(trainer.stepsPerEpoch.counted("step")), "
                + "batches of \(min(run.settings.configuration.batchSize, data.train.count).grouped)\(parts), "
                + "seed \(texts["seed", default: "?"])")
        if let augmentation = run.settings.augmentation { facts.add("augment", "\(augmentation)") }
        facts.add("optimizer", optimizer)
        facts.add("schedule", texts["schedule", default: "?"])
        if let rule = run.settings.run.earlyStopping {
            facts.add("patience", "\(rule.patience.counted("epoch")) without better \(rule.measure)")
        }
        facts.add(
            "machine",
            "\(trainer.workers.count.counted("thread")), OpenBLAS \(OpenBLAS.version) with "
                + "\(OpenBLAS.coreName) kernels")
        facts.add(
            "memory",
            "\(memory.totalBytes.bytes) for training, "
                + (data.bytesInMemory > 0
                    ? "\(data.bytesInMemory.bytes) of images" : "images read as they come"))
        facts.add("output", run.folder.shownPath)
        var lines = facts.text(columns: columns).split(separator: "\n").map(String.init)
        if let remark = CommonOptions.remark(onThreads: trainer.workers.count) { lines.append(remark) }
        return lines + [""]
    }

    private var optimizer: String {
        let texts = run.settings.texts
        let names = [
            "learning-rate", "momentum", "nesterov", "weight-decay", "clip-norm", "loss", "label-smoothing",
            "class-weights", "ema",
        ]
        let parts = names.compactMap { name in
            texts[name].flatMap { value -> String? in
                switch (name, value) {
                case ("label-smoothing", "0"), ("loss", "cross-entropy"): nil
                case ("nesterov", _): "Nesterov's"
                default: "\(name.replacing("-", with: " ")) \(value)"
                }
            }
        }
        return ([texts["optimizer", default: "?"]] + parts).joined(separator: ", ")
    }
}

extension TrainingProgress {
    /// `before its first step`, `after 3 epochs and 120 steps`.
    var place: String {
        if step == 0 { return "before its first step" }
        let parts = [
            epoch > 0 ? epoch.counted("epoch") : nil, stepInEpoch > 0 ? stepInEpoch.counted("step") : nil,
        ]
        return "after " + parts.compactMap(\.self).joined(separator: " and ")
    }
}

extension DatasetSplits {
    fileprivate var bytesInMemory: Int {
        [train, test].reduce(0) { $0 + (($1 as? ImageDataset)?.pixels.count ?? 0) }
    }
}

/// An epoch as a line of a table.
private enum EpochLine {
    static let header = row(
        "epoch", ["train loss", "accuracy", "test loss", "accuracy", "rate"], ["images/s", "time"])

    static func text(_ record: EpochRecord, of epochs: Int) -> String {
        row(
            "\(record.epoch)/\(epochs)",
            [
                record.trainLoss.decimals(4), record.trainAccuracy.decimals(4),
                record.testLoss?.decimals(4) ?? "-", record.testAccuracy?.decimals(4) ?? "-",
                record.learningRate.digits(3),
            ],
            [HumanText.count(record.imagesPerSecond), HumanText.duration(seconds: record.seconds)])
    }

    private static func row(_ first: String, _ middle: [String], _ last: [String]) -> String {
        let widths = [12, 10, 11, 10, 11]
        return first.padded(to: 7, .right)
            + zip(middle, widths).map { $0.padded(to: $1, .right) }.joined()
            + last.map { $0.padded(to: 9, .right) }.joined()
    }
}
