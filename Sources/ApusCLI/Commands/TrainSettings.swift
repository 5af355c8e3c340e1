import ApusData
import ApusModels
import ApusNN
import ApusTraining

/// What decides the bits of a run: model, data, and how to train. A checkpoint keeps it as texts, each under
/// the name of its option.
struct TrainSettings: Sendable {
    enum OptimizerName: String, CaseIterable, ArgumentValue {
        case gradientDescent = "gradient-descent"
        case sgd, adam, adamw
    }

    enum LossName: String, CaseIterable, ArgumentValue {
        case crossEntropy = "cross-entropy"
        case meanSquaredError = "mean-squared-error"
    }

    static let data = Option(
        "data", short: "d", "dataset", default: "fashion-mnist",
        help: "The images: fashion-mnist, fashion-mnist=DIR, mnist=DIR, synthetic, "
            + "or synthetic=COUNT generated ones.")
    static let epochs = Option(
        "epochs", short: "e", "n", default: 10, .between(1, and: 100_000), help: "Passes over the images.")
    static let batchSize = CommonOptions.batchSize(default: 64, help: "Images of a step.")
    static let seed = Option<UInt64>(
        "seed", short: "s", "n", default: 1, help: "Start of the random numbers: the same seed, the same run."
    )
    static let optimizer = Option(
        "optimizer", "name", default: OptimizerName.sgd, help: "The rule that moves the parameters.")
    static let learningRate = Option<Double?>(
        "learning-rate", short: "l", "x", absent: "0.05; 0.001 for adam and adamw", .atLeast(0),
        help: "The rate that the schedule scales.")
    static let momentum = Option<Double?>(
        "momentum", "x", absent: "0.9", .from(0, below: 1), help: "What sgd keeps of its last step.")
    static let nesterov = Flag("nesterov", help: "Use Nesterov's momentum in sgd.")
    static let weightDecay = Option<Double?>(
        "weight-decay", "x", absent: "0.0005 for sgd, 0.01 for adamw, 0 for adam", .atLeast(0),
        help: "The pull of parameters towards zero.")
    static let schedule = Option(
        "schedule", "curve", default: "one-cycle",
        help: "The course of the learning rate: \(LearningRateSchedule.names.joined(separator: ", ")); "
            + "parameters follow a colon, as in step:every=3,gamma=0.1.")
    static let clipNorm = Option<Double?>(
        "clip-norm", "x", absent: "no limit", .above(0), help: "The greatest length of the gradient.")
    static let loss = Option(
        "loss", "name", default: LossName.crossEntropy, help: "What training makes small.")
    static let labelSmoothing = Option<Double?>(
        "label-smoothing", "x", absent: "0", .from(0, below: 1),
        help: "The part of cross-entropy's target that all classes share.")

    static let groups = [
        OptionGroup("What to train", [CommonOptions.model, data, epochs, batchSize, seed]),
        OptionGroup(
            "How to train",
            [
                optimizer, learningRate, momentum, nesterov, weightDecay, schedule, clipNorm, loss,
                labelSmoothing,
            ]),
    ]
    static var options: [any OptionDeclaration] { groups.flatMap(\.options) }

    let model: ModelName
    let data: DatasetSpecification
    let configuration: TrainingConfiguration
    /// Each setting under its option's name, as it would be typed; none that the optimiser or the loss lacks.
    let texts: [String: String]

    /// - Throws: `UsageError` where options do not go together.
    init(_ arguments: ParsedArguments) throws {
        model = arguments[CommonOptions.model]
        data = try Self.reading(Self.data) { try DatasetSpecification(parsing: arguments[Self.data]) }
        let schedule = try Self.reading(Self.schedule) {
            try LearningRateSchedule(arguments[Self.schedule])
        }
        let (epochs, batchSize) = (arguments[Self.epochs], arguments[Self.batchSize])
        var texts = [
            CommonOptions.model.name: model.argument,
            Self.data.name: data.description,
            Self.epochs.name: epochs.argument,
            Self.batchSize.name: batchSize.argument,
            Self.seed.name: arguments[Self.seed].argument,
            Self.schedule.name: schedule.shortDescription,
        ]
        let clipNorm = arguments[Self.clipNorm]
        texts[Self.clipNorm.name] = clipNorm?.argument
        configuration = TrainingConfiguration(
            epochs: epochs, batchSize: batchSize, optimizer: try Self.optimizer(arguments, &texts),
            schedule: schedule, loss: try Self.loss(arguments, &texts), clipNorm: clipNorm,
            seed: arguments[Self.seed])
        self.texts = texts
    }

    /// Settings from the texts a checkpoint keeps.
    init(texts: [String: String], in specification: CommandSpecification) throws {
        let flags = Set([Self.nesterov.name])
        let line = texts.map { flags.contains($0) ? "--\($0)" : "--\($0)=\($1)" }
        try self.init(ParsedArguments(line, for: specification))
    }

    /// Checks that the learning rate's warm-up ends within the run.
    ///
    /// - Throws: `UsageError`.
    func checkSchedule(stepsPerEpoch: Int) throws {
        try Self.reading(Self.schedule) {
            try configuration.schedule.check(totalSteps: configuration.epochs * stepsPerEpoch)
        }
    }

    /// Checks that options given beside `--resume` say what the run's settings say.
    ///
    /// - Throws: `UsageError` naming both.
    func checkAgreement(with arguments: ParsedArguments, path: String) throws {
        let given = try TrainSettings(arguments).texts
        for option in Self.options where arguments.contains(option) {
            let (now, before) = (given[option.name], texts[option.name])
            guard now != before else { continue }
            func spelled(_ text: String?) -> String {
                guard let text else { return "no \(option.spelling)" }
                return option.valueName == nil ? option.spelling : "\(option.spelling) \(text)"
            }
            throw UsageError.other(
                "\(spelled(now)) contradicts the run in \(path), which was started with \(spelled(before))")
        }
    }

    private static func optimizer(
        _ arguments: ParsedArguments, _ texts: inout [String: String]
    ) throws -> any Optimizer {
        let name = arguments[Self.optimizer]
        var unused: [any OptionDeclaration] = name == .sgd ? [] : [Self.momentum, Self.nesterov]
        if name == .gradientDescent { unused.append(Self.weightDecay) }
        try check(unused, arguments, areNotOf: "--optimizer \(name.argument)")

        let isAdaptive = name == .adam || name == .adamw
        let rate = arguments[Self.learningRate] ?? (isAdaptive ? 1e-3 : 0.05)
        let decay = arguments[Self.weightDecay] ?? (name == .sgd ? 5e-4 : name == .adamw ? 1e-2 : 0)
        texts[Self.optimizer.name] = name.argument
        texts[Self.learningRate.name] = rate.argument
        if name != .gradientDescent { texts[Self.weightDecay.name] = decay.argument }
        switch name {
        case .gradientDescent:
            return GradientDescent(learningRate: rate)
        case .sgd:
            let momentum = arguments[Self.momentum] ?? 0.9
            texts[Self.momentum.name] = momentum.argument
            if arguments[Self.nesterov] { texts[Self.nesterov.name] = "true" }
            let sgd = SGD(
                learningRate: rate, momentum: momentum, isNesterov: arguments[Self.nesterov],
                weightDecay: decay)
            try reading(Self.nesterov, sgd.check)
            return sgd
        case .adam:
            return Adam(learningRate: rate, weightDecay: decay)
        case .adamw:
            return Adam.decoupled(learningRate: rate, weightDecay: decay)
        }
    }

    private static func loss(
        _ arguments: ParsedArguments, _ texts: inout [String: String]
    ) throws -> any Loss {
        let name = arguments[Self.loss]
        texts[Self.loss.name] = name.argument
        switch name {
        case .crossEntropy:
            let smoothing = arguments[Self.labelSmoothing] ?? 0
            texts[Self.labelSmoothing.name] = smoothing.argument
            return SoftmaxCrossEntropy(labelSmoothing: Float(smoothing))
        case .meanSquaredError:
            try check([Self.labelSmoothing], arguments, areNotOf: "--loss \(name.argument)")
            return MeanSquaredError()
        }
    }

    private static func check(
        _ options: [any OptionDeclaration], _ arguments: ParsedArguments, areNotOf choice: String
    ) throws {
        for option in options where arguments.contains(option) {
            throw UsageError.other("\(option.spelling) does not go with \(choice)")
        }
    }

    /// Reads an option's value; what is wrong with it is an error of usage that names the option.
    private static func reading<Value>(
        _ option: some OptionDeclaration, _ body: () throws -> Value
    ) throws -> Value {
        do {
            return try body()
        } catch {
            throw UsageError.other("\(option.spelling): \(error)")
        }
    }
}

extension LearningRateSchedule {
    /// The text, without parameters where they are the curve's defaults.
    var shortDescription: String {
        let name = String(description.prefix { $0 != ":" })
        return (try? LearningRateSchedule(name)) == self ? name : description
    }
}
