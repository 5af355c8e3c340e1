import ApusData
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation

extension RunDescription {
    /// What the settings say of a run, and this machine.
    ///
    /// - Parameters:
    ///   - train: the images it learned from, where they have been looked at.
    ///   - folder: of the run, beside which its repetition goes.
    init(
        _ settings: TrainSettings, _ classifier: Classifier, train: (any Dataset)?, test: any Dataset,
        threads: Int, folder: RunFolder, program: String
    ) {
        self.init(
            title: "\(FactoredName(settings.model.argument).title) on \(settings.data)",
            facts: [
                Facts("Settings", Self.settings(settings)),
                Facts("Data", Self.data(settings, classifier, train: train, test: test)),
                Facts("Machine", Self.machine(threads: threads)),
            ],
            command: settings.commandLine(program: program, output: folder.shownPath + "-again"))
    }

    private static func settings(_ settings: TrainSettings) -> [Facts.Row] {
        TrainSettings.options.compactMap { option in
            settings.texts[option.name].map { text in
                Facts.Row(option.name.replacing("-", with: " "), option.valueName == nil ? "yes" : text)
            }
        }
    }

    private static func data(
        _ settings: TrainSettings, _ classifier: Classifier, train: (any Dataset)?, test: any Dataset
    ) -> [Facts.Row] {
        let preprocessing = classifier.preprocessing
        var rows = [Facts.Row("dataset", "\(settings.data)")]
        if let train { rows.append(Facts.Row("to train on", train.count.counted("image"))) }
        rows.append(Facts.Row("to test on", test.count.counted("image")))
        rows += [
            Facts.Row("classes", classifier.classNames.count.grouped),
            Facts.Row("seen as", "\(preprocessing.input)"),
            Facts.Row("mean", preprocessing.normalization.mean.channelText),
            Facts.Row("deviation", preprocessing.normalization.deviation.channelText),
        ]
        if let whitening = preprocessing.whitening {
            rows.append(Facts.Row("whitening", whitening.summary.text))
        }
        let skipped = (train?.skipped ?? []) + test.skipped
        if !skipped.isEmpty {
            rows.append(
                Facts.Row(
                    "left out", "\(skipped.count.counted("file")): \(skipped.map(\.description).listed)"))
        }
        return rows
    }

    private static func machine(threads: Int) -> [Facts.Row] {
        [
            Facts.Row("processor", Machine.processorName),
            Facts.Row("vector units", Machine.instructionSet.rawValue),
            Facts.Row("threads", threads.grouped),
            Facts.Row("OpenBLAS", "\(OpenBLAS.version), \(OpenBLAS.coreName) kernels"),
            Facts.Row("system", ProcessInfo.processInfo.operatingSystemVersionString),
            Facts.Row("apus", ApusProgram.version),
        ]
    }
}

extension Whitening.Summary {
    /// `zca, epsilon 0.1, fitted to 60,000 images; 12 directions have no variance`.
    var text: String {
        "\(method.rawValue), epsilon \(epsilon.argument), fitted to \(images.counted("image"))"
            + (flatDirections == 0
                ? "" : "; \(flatDirections.counted("direction")) of them without variance, left near 0")
    }
}

extension TrainSettings {
    /// The command line that begins the same run in another folder, every setting spelled out.
    func commandLine(program: String, output: String) -> String {
        let options = Self.options.compactMap { option in
            texts[option.name].map { text in
                option.valueName == nil ? option.spelling : "\(option.spelling) \(text.quotedForShell)"
            }
        }
        return (["\(program) train"] + options + ["--output \(output.quotedForShell)"]).joined(separator: " ")
    }
}
