import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation

/// What decides the bits of a run: model, data, and how to train. A checkpoint keeps it as texts, each under
/// the name of its option.
struct TrainSettings: Sendable {
    let model: ModelName
    let data: DatasetSpecification
    let imageSize: ImageSize?
    /// What is given of it; by default it is computed.
    let normalization: Normalization?
    /// How images are whitened, if they are.
    let whitening: Whitening.Settings?
    /// What training images go through; nil where they are seen as they are.
    let augmentation: Augmentation?
    private let classes: Int?
    /// Where the weights to start from lie.
    let weights: String?
    let frozen: [NamePattern]
    /// Kept by a checkpoint only where it was asked for by name.
    let backend: Backend
    /// All but the weights of classes, which the data may decide; see `configuration(for:classes:)`.
    let configuration: TrainingConfiguration
    private let classWeights: ClassWeights?
    let run: RunSettings
    /// Each setting under its option's name, as it would be typed; none that the optimiser or the loss lacks.
    let texts: [String: String]

    /// - Throws: `UsageError` where options do not go together.
    init(_ arguments: ParsedArguments) throws {
        let arguments = try Self.completed(arguments)
        model = arguments[CommonOptions.model]
        data = try Self.data.reading { try DatasetSpecification(parsing: arguments[Self.data]) }
        imageSize = arguments[Self.imageSize]
        normalization = try Self.normalization(arguments)
        whitening = arguments[Self.whiten]
        augmentation = try CommonOptions.augmentation(arguments)
        classes = arguments[Self.classes]
        // As the data's: a run may be taken up in another folder.
        weights = arguments[Self.weights].map { URL(fileURLWithPath: $0).standardizedFileURL.path }
        frozen = arguments[Self.freeze]?.patterns ?? []
        backend = try CommonOptions.backend(arguments)
        let schedule = try Self.schedule.reading {
            try LearningRateSchedule(arguments[Self.schedule])
        }
        let (epochs, batchSize) = (arguments[Self.epochs], arguments[Self.batchSize])
        let accumulated = arguments[Self.accumulate]
        classWeights = arguments[Self.classWeights]
        run = try RunSettings(arguments)
        var texts = [
            CommonOptions.model.name: model.argument,
            Self.data.name: data.description,
            Self.epochs.name: epochs.argument,
            Self.batchSize.name: batchSize.argument,
            Self.seed.name: arguments[Self.seed].argument,
            Self.schedule.name: schedule.shortDescription,
        ]
        texts[Self.accumulate.name] = accumulated?.argument
        texts[Self.classWeights.name] = classWeights?.argument
        texts[Self.ema.name] = arguments[Self.ema]?.argument
        texts[Self.imageSize.name] = imageSize?.argument
        texts[Self.mean.name] = arguments[Self.mean]?.argument
        texts[Self.deviation.name] = arguments[Self.deviation]?.argument
        texts[Self.whiten.name] = whitening?.argument
        texts[CommonOptions.augment.name] = augmentation?.description
        texts[Self.classes.name] = classes?.argument
        texts[Self.weights.name] = weights
        texts[Self.freeze.name] = arguments[Self.freeze]?.argument
        texts[CommonOptions.backend.name] = arguments[CommonOptions.backend]?.argument
        let clipNorm = arguments[Self.clipNorm]
        texts[Self.clipNorm.name] = clipNorm?.argument
        let optimizer = try Self.optimizer(arguments)
        texts.merge(Self.texts(of: optimizer)) { $1 }
        let configuration = TrainingConfiguration(
            epochs: epochs, batchSize: batchSize, optimizer: optimizer, schedule: schedule,
            loss: try Self.loss(arguments, &texts), clipNorm: clipNorm, seed: arguments[Self.seed],
            averageDecay: arguments[Self.ema], earlyStopping: run.earlyStopping)
        self.configuration = accumulated.map(configuration.accumulating) ?? configuration
        self.texts = texts.merging(run.texts) { $1 }
    }

    /// Settings from the texts a checkpoint keeps.
    init(texts: [String: String], in specification: CommandSpecification) throws {
        let flags = Set([Self.nesterov.name])
        let line = texts.map { flags.contains($0) ? "--\($0)" : "--\($0)=\($1)" }
        try self.init(ParsedArguments(line, for: specification))
    }

    /// The model, for the classes of `data` or as many more as are asked for.
    ///
    /// - Throws: `UsageError` where fewer are.
    func model(for data: DatasetSplits) throws -> any Model {
        let least = data.train.classCount
        guard let classes else { return model.model(classes: least) }
        guard classes >= least else {
            throw UsageError.other(
                "\(Self.classes.spelling) must be at least the "
                    + "\(least.counted("class", plural: "classes")) of \(self.data), found \(classes)")
        }
        return model.model(classes: classes)
    }

    /// How to train on `data`, for a network of `classes`.
    ///
    /// - Throws: `UsageError` where there are other classes than weights.
    func configuration(for data: DatasetSplits, classes: Int) throws -> TrainingConfiguration {
        guard let classWeights, let loss = configuration.loss as? SoftmaxCrossEntropy else {
            return configuration
        }
        var configuration = configuration
        configuration.loss = try Self.classWeights.reading {
            SoftmaxCrossEntropy(
                labelSmoothing: loss.labelSmoothing,
                classWeights: try classWeights.resolved(
                    labels: (0..<data.train.count).lazy.map(data.train.label(of:)), classes: classes))
        }
        return configuration
    }

    /// Checks that the learning rate's warm-up ends within the run.
    ///
    /// - Throws: `UsageError`.
    func checkSchedule(stepsPerEpoch: Int) throws {
        try Self.schedule.reading {
            try configuration.schedule.check(totalSteps: configuration.epochs * stepsPerEpoch)
        }
    }

    /// Checks that options given beside `--resume` say what the run's settings say.
    ///
    /// - Throws: `UsageError` naming both.
    func checkAgreement(with arguments: ParsedArguments, path: String) throws {
        let arguments = try Self.completed(arguments)
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

    /// The arguments, completed by the recipe they name.
    private static func completed(_ arguments: ParsedArguments) throws(UsageError) -> ParsedArguments {
        guard let recipe = arguments[Self.recipe] else { return arguments }
        return try recipe.completing(arguments)
    }

    /// The constants that the arguments give.
    ///
    /// - Throws: `UsageError` where they are none.
    static func normalization(_ arguments: ParsedArguments) throws -> Normalization? {
        let (mean, deviation) = (arguments[Self.mean], arguments[Self.deviation])
        guard mean != nil || deviation != nil else { return nil }
        guard let mean, let deviation else {
            throw UsageError.other("\(Self.mean.spelling) and \(Self.deviation.spelling) go together")
        }
        return try Self.mean.reading {
            try Normalization(mean: mean.numbers, deviation: deviation.numbers)
        }
    }

    private static func optimizer(_ arguments: ParsedArguments) throws -> any Optimizer {
        let name = arguments[Self.optimizer]
        var unused: [any OptionDeclaration] = name == .sgd ? [] : [Self.momentum, Self.nesterov]
        if name == .gradientDescent { unused.append(Self.weightDecay) }
        try check(unused, arguments, areNotOf: "--optimizer \(name.argument)")

        let isAdaptive = name == .adam || name == .adamw
        let rate = arguments[Self.learningRate] ?? (isAdaptive ? 1e-3 : 0.05)
        let decay = arguments[Self.weightDecay] ?? (name == .sgd ? 5e-4 : name == .adamw ? 1e-2 : 0)
        switch name {
        case .gradientDescent:
            return GradientDescent(learningRate: rate)
        case .sgd:
            let sgd = SGD(
                learningRate: rate, momentum: arguments[Self.momentum] ?? 0.9,
                isNesterov: arguments[Self.nesterov], weightDecay: decay)
            try Self.nesterov.reading(sgd.check)
            return sgd
        case .adam:
            return Adam(learningRate: rate, weightDecay: decay)
        case .adamw:
            return Adam.decoupled(learningRate: rate, weightDecay: decay)
        }
    }

    /// The settings of an optimiser, each under its option's name.
    static func texts(of optimizer: any Optimizer) -> [String: String] {
        var texts = [
            Self.optimizer.name: optimizer.name, learningRate.name: optimizer.learningRate.argument,
        ]
        if let sgd = optimizer as? SGD {
            texts[momentum.name] = sgd.momentum.argument
            texts[weightDecay.name] = sgd.weightDecay.argument
            if sgd.isNesterov { texts[nesterov.name] = "true" }
        } else if let adam = optimizer as? Adam {
            texts[weightDecay.name] = adam.weightDecay.argument
        }
        return texts
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
            try check(
                [Self.labelSmoothing, Self.classWeights], arguments, areNotOf: "--loss \(name.argument)")
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
}

extension LearningRateSchedule {
    /// The text, without parameters where they are the curve's defaults.
    var shortDescription: String {
        let name = String(description.prefix { $0 != ":" })
        return (try? LearningRateSchedule(name)) == self ? name : description
    }
}
