import ApusData
import ApusFormats
import ApusKernels
import ApusModels
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
            var table = EpochTable(epochs: epochs)
            table.titles(columns: console.columns).forEach { reporter.line($0) }
            for record in trainer.history { show(record, &table, on: console, reporter) }
            try StopSignal.catching(quietly: quiet) {
                try train(reporter, on: console, table) {
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
            keeping: settings.run.keptEpochs, logging: settings.run.loggedSteps)
    }

    /// Saves the run as it is.
    func save() throws { try saver.save() }

    var epochs: Int { settings.configuration.epochs }

    /// Trains until the end or until `shouldStop` says so, and saves the run as it goes on and when it stops.
    private func train(
        _ reporter: TerminalReporter, on console: Console, _ table: EpochTable,
        until shouldStop: @escaping () -> Bool
    ) throws {
        var table = table
        let program = console.programName
        beginEpoch(reporter)
        defer { reporter.end() }
        do {
            try trainer.fit(
                onStep: { progress in
                    reporter.advance(to: progress.images, details: details(progress))
                    try saver.keepStep()
                    return !shouldStop()
                },
                onEpoch: { record in
                    show(record, &table, on: console, reporter)
                    try keep(record, on: console, reporter)
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
            completed: trainer.progress.images,
            following: (epochs - trainer.progress.epoch - 1) * trainer.imagesPerEpoch, unit: "images")
    }

    /// How the epoch goes, beside how far it is.
    private func details(_ progress: TrainingProgress) -> [ProgressBar.Detail] {
        guard let loss = progress.loss, let accuracy = progress.accuracy else { return [] }
        return [
            .init("loss \(loss.decimals(3))", .essential),
            .init("accuracy \(accuracy.decimals(3))", .useful),
            .init("rate \(trainer.rate(at: progress.step - 1).digits(3))", .extra),
        ]
    }

    /// A line for an epoch.
    private func show(
        _ record: EpochRecord, _ table: inout EpochTable, on console: Console, _ reporter: TerminalReporter
    ) {
        table.lines(record, columns: console.columns).forEach { reporter.line($0) }
    }

    /// Saves what an epoch came to.
    private func keep(_ record: EpochRecord, on console: Console, _ reporter: TerminalReporter) throws {
        try saver.keep(record)
        try writeReport(on: console)
        if !trainer.isComplete { beginEpoch(reporter) }
    }

    private func writeReport(_ outcome: TestOutcome? = nil, on console: Console) throws {
        let description = RunDescription(
            settings, trainer.tested, train: data.train, test: data.test, threads: trainer.workers.count,
            folder: folder, program: console.programName)
        try trainer.report(description, outcome: outcome).write(to: folder.report)
    }

    private func report(_ reporter: TerminalReporter, on console: Console) throws {
        let outcome = try trainer.tested.test(data.test, threads: trainer.workers.count)
        let report = outcome.report
        let metrics = RunMetrics(
            report, history: trainer.history, stoppedEarly: trainer.hasStoppedEarly)
        try folder.write(metrics)
        try writeReport(outcome, on: console)
        reporter.line("")
        reporter.line("On the \(data.test.count.counted("test image")), after epoch \(metrics.epochs):")
        reporter.line(report.table(columns: console.tableColumns))
        if let epoch = metrics.bestEpoch, let accuracy = metrics.bestTestAccuracy {
            reporter.line(
                "Best test accuracy \(accuracy.decimals(4)) after epoch \(epoch), kept in "
                    + "\(shown(folder.bestCheckpoint)).")
        }
        reporter.line("All of it as a page: \(shown(folder.report)).")
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
            "\(FactoredName(trainer.classifier.modelName).title): \(network.parameterCount.grouped) parameters, "
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
        if let whitening = preprocessing.whitening { facts.add("whitening", whitening.summary.text) }
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
