import ApusNN
import ApusTraining

/// Settings that suit a network, by its name.
enum Recipe: String, CaseIterable, ArgumentValue {
    case lenet5
    case lenet5Fast = "lenet5-fast"
    case squeezenet

    var configuration: TrainingConfiguration {
        switch self {
        case .lenet5: .leNet5()
        case .lenet5Fast: .leNet5Fast()
        case .squeezenet: .squeezeNet(epochs: TrainingConfiguration().epochs)
        }
    }

    /// What the recipes consist of, for the help.
    static var explanation: String {
        allCases.map { recipe in
            let parts = recipe.texts.sorted { $0.key < $1.key }.map { name, value in
                name == TrainSettings.nesterov.name ? name : "\(name) \(value)"
            }
            return "\(recipe.argument) is \(parts.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    /// The settings, each under its option's name, as it would be typed.
    private var texts: [String: String] {
        var texts = TrainSettings.texts(of: configuration.optimizer)
        texts[TrainSettings.batchSize.name] = configuration.batchSize.argument
        texts[TrainSettings.schedule.name] = configuration.schedule.shortDescription
        if configuration.epochs != TrainSettings.epochs.fallback {
            texts[TrainSettings.epochs.name] = configuration.epochs.argument
        }
        if let loss = configuration.loss as? SoftmaxCrossEntropy, loss.labelSmoothing > 0 {
            texts[TrainSettings.labelSmoothing.name] = loss.labelSmoothing.description
        }
        return texts
    }

    /// The arguments, and the recipe's settings for what they do not give. Of an optimiser or a loss that is given,
    /// not the recipe's, the recipe knows no settings.
    func completing(_ arguments: ParsedArguments) throws(UsageError) -> ParsedArguments {
        var texts = texts
        if arguments.contains(TrainSettings.optimizer),
            arguments[TrainSettings.optimizer].argument != configuration.optimizer.name
        {
            for name in TrainSettings.texts(of: configuration.optimizer).keys { texts[name] = nil }
        }
        if arguments[TrainSettings.loss] != .crossEntropy { texts[TrainSettings.labelSmoothing.name] = nil }
        return try arguments.completed(with: texts)
    }
}
