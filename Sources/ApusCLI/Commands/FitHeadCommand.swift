import ApusData
import ApusFormats
import ApusKernels
import ApusTraining
import Foundation

/// `apus fit-head`: fits the last layer of a network in closed form.
struct FitHeadCommand: Command {
    private static let checkpoint = Option<String?>(
        "checkpoint", short: "c", "path", absent: "a network of --model",
        help: "The network whose head is fitted anew: a checkpoint, or the folder of a run.")
    private static let weights = Option<String?>(
        "weights", short: "w", "path", absent: "random ones",
        help: "What a network of --model computes its features with, as far as names and shapes fit: "
            + "\(TensorSource.kinds). Of a checkpoint also what 'apus train --weights' takes over. The head is for "
            + "the data's classes.")
    private static let model = Option<ModelName?>(
        "model", short: "m", "name", absent: "the one of the checkpoint",
        help: "The network, where no checkpoint says which.")
    private static let data = Option<String?>(
        "data", short: "d", "dataset", absent: "the data the checkpoint was trained on",
        help: "The images, as in apus train: fitted to are those to train on, tested the others.")
    private static let ridge = Option(
        "ridge", short: "r", "x,..", default: Penalties(RidgeHead.defaultPenalties),
        help:
            "The penalty, what is added to the diagonal of X'X; of several, separated by commas, that of the least "
            + "error on a tenth of each class's images, which is held out.")
    private static let output = Option<String>(
        required: "output", short: "o", "file", help: "Where the checkpoint with the new head goes.")

    static let specification = CommandSpecification(
        "fit-head",
        abstract: "Fits the last layer of a network in closed form, by ridge regression on its features.",
        groups: [
            OptionGroup(
                "The network",
                [
                    checkpoint, model, weights, TrainSettings.imageSize, TrainSettings.mean,
                    TrainSettings.deviation, TrainSettings.seed,
                ]),
            OptionGroup(
                "The fit",
                [
                    data, ridge, output, CommonOptions.backend, CommonOptions.threads, CommonOptions.strict,
                    CommonOptions.json,
                ]),
        ],
        examples: [
            Example("fit-head -c runs/lenet5 -o head.apus", "A new head for the features of a run."),
            Example(
                "fit-head -m squeezenet1_1 -w imagenet.pth -d folder=photos -o new.apus",
                "A head for other classes, on features that were learned elsewhere."),
            Example(
                "fit-head -m lenet5 -d fashion-mnist --ridge 10 -o random.apus",
                "What features of random weights are worth."),
        ])

    let arguments: ParsedArguments
    let output: TensorTarget
    let backend: Backend
    let threads: Int?

    init(_ arguments: ParsedArguments) throws {
        self.arguments = arguments
        output = TensorTarget(arguments[Self.output])
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        let ofModel: [any OptionDeclaration] = [
            Self.model, Self.weights, TrainSettings.imageSize, TrainSettings.mean, TrainSettings.deviation,
            TrainSettings.seed,
        ]
        if arguments.contains(Self.checkpoint) {
            if let other = ofModel.first(where: arguments.contains) {
                throw UsageError.other(
                    "\(other.spelling) does not go with \(Self.checkpoint.spelling), which says it all")
            }
        } else if !arguments.contains(Self.model), !arguments.contains(Self.weights) {
            throw UsageError.other("\(Self.checkpoint.spelling) or \(Self.model.spelling) is required")
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let start = ContinuousClock.now
        try output.check()
        let (classifier, data, facts) = try network()
        CommonOptions.remark(onThreads: threads, to: console)
        let before = try classifier.evaluate(data.splits.test, threads: threads)
        let fitStart = ContinuousClock.now
        let head = try RidgeHead(
            fitting: classifier, to: data.splits.train, penalties: arguments[Self.ridge].values,
            threads: threads)
        let seconds = (ContinuousClock.now - fitStart) / .seconds(1)
        let after = try classifier.evaluate(data.splits.test, threads: threads)
        try classifier.save(to: output.url)
        let report = FittedHead(
            model: classifier.modelName, data: "\(data.name)", head: head, accuracyBefore: before.accuracy,
            accuracyAfter: after.accuracy, lossBefore: before.loss, lossAfter: after.loss, seconds: seconds)
        if arguments[CommonOptions.json] {
            console.write(String(decoding: try JSONEncoder.forLines.encode(report), as: UTF8.self) + "\n")
        } else {
            console.write(report.text(facts: facts, columns: console.tableColumns))
            console.write(
                "\nThe checkpoint is \(output.shownPath), made in "
                    + "\(HumanText.duration(seconds: (ContinuousClock.now - start) / .seconds(1))). "
                    + "Test it with: \(console.programName) evaluate --checkpoint "
                    + "\(output.shownPath.quotedForShell) --data \("\(data.name)".quotedForShell)\n")
        }
        return .success
    }

    private typealias Images = (splits: DatasetSplits, name: DatasetSpecification)

    /// The classifier, its data, and what is said of where its weights come from.
    private func network() throws -> (Classifier, Images, [String]) {
        if let path = arguments[Self.checkpoint] {
            let url = try RunFolder.checkpoint(at: URL(fileURLWithPath: path))
            try output.checkReplacesNone(of: [url])
            let checkpoint = try Checkpoint(contentsOf: url)
            let classifier = try checkpoint.classifier(backend: backend)
            let name =
                try DatasetSpecification(arguments[Self.data], of: Self.data)
                ?? DatasetSpecification(trainedOn: checkpoint, option: Self.data)
            let splits = try name.load(
                normalization: classifier.preprocessing.imageNormalization,
                isStrict: arguments[CommonOptions.strict])
            return (classifier, (splits, name), [RunFolder.shown(checkpoint.path)])
        }
        let start = try arguments[Self.weights].map {
            try StartingPoint($0, for: arguments[Self.model], arguments)
        }
        if let start { try output.checkReplacesNone(of: [start.source.url]) }
        let known = try start?.completed() ?? arguments
        guard let model = known[Self.model] else {
            throw UsageError.other(
                "\(Self.model.spelling) <name> is required: the weights are no checkpoint, which would say it"
            )
        }
        guard let name = try DatasetSpecification(known[Self.data], of: Self.data) else {
            throw UsageError.other(
                "\(Self.data.spelling) <dataset> is required beside \(Self.model.spelling)")
        }
        let splits = try name.load(
            normalization: TrainSettings.normalization(arguments), isStrict: arguments[CommonOptions.strict])
        let classifier = try model.built(for: "the images of \(name)") {
            try Classifier(
                model.model(classes: splits.train.classCount), for: splits,
                imageSize: arguments[TrainSettings.imageSize],
                preprocessing: start?.preprocessing(for: splits), backend: backend,
                seed: arguments[TrainSettings.seed])
        }
        guard let weights = try start.map({ try StartingWeights($0, for: classifier.network) }) else {
            return (classifier, (splits, name), ["random, seed \(arguments[TrainSettings.seed])"])
        }
        return (try classifier.constrained(by: weights.constraints), (splits, name), weights.lines)
    }
}

/// What `fit-head` came to.
private struct FittedHead: Encodable {
    let model: String
    let data: String
    let head: RidgeHead
    let accuracyBefore: Double
    let accuracyAfter: Double
    let lossBefore: Double?
    let lossAfter: Double?
    /// The fit alone.
    let seconds: Double

    func text(facts origin: [String], columns: Int) -> String {
        var facts = FactList()
        facts.add("model", model)
        for (index, line) in origin.enumerated() { facts.add(index == 0 ? "weights" : "", line) }
        facts.add(
            "fitted to",
            "\(head.images.counted("image")) of \(data): \(head.features.counted("feature")), "
                + "\(head.classes.counted("class", plural: "classes")), in \(HumanText.duration(seconds: seconds))"
        )
        facts.add(
            "penalty",
            head.penalty.argument
                + (head.trials.isEmpty ? "" : ", of the least error on a tenth of each class's images"))
        facts.add(
            "condition",
            "\(head.condition.digits(2)) of X'X and the penalty; \(head.meanSquaredError.decimals(4)) is the mean "
                + "squared error")
        facts.add("scale", "outputs times \(head.scale.digits(3)), which makes probabilities of them")
        if head.lift > 0 {
            facts.add("lift", "biases raised by \(head.lift.digits(3)), for the ReLU after them")
        }
        return facts.text(columns: columns) + "\n" + trials + results
    }

    private var trials: String {
        guard !head.trials.isEmpty else { return "" }
        var table = TextTable([.right, .right])
        table.add(["penalty", "error held out"])
        for trial in head.trials {
            table.add([trial.penalty.argument, trial.meanSquaredError?.decimals(5) ?? "no solution"])
        }
        return table.text() + "\n"
    }

    private var results: String {
        var table = TextTable([.left, .right, .right])
        table.add(["test images", "accuracy", "loss"])
        func row(_ name: String, _ accuracy: Double, _ loss: Double?) {
            table.add([name, accuracy.decimals(4), loss?.decimals(4) ?? ""])
        }
        row("before", accuracyBefore, lossBefore)
        row("after", accuracyAfter, lossAfter)
        return table.text()
    }
}

/// Penalties of ridge regression: `10`, or `0.1,1,10`.
struct Penalties: ArgumentValue {
    let values: [Double]

    init(_ values: [Double]) { self.values = values }

    var argument: String { values.map(\.argument).joined(separator: ",") }

    init(argument: String) throws(InvalidArgument) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        values = parts.compactMap { Double($0) }.filter { $0 >= 0 && $0.isFinite }
        guard values.count == parts.count else {
            throw InvalidArgument(mustBe: "a number of at least 0, or several separated by commas")
        }
    }
}
