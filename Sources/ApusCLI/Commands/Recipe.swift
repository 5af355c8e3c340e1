import ApusTraining

/// Settings that suit a network, by its name.
enum Recipe: String, CaseIterable, ArgumentValue {
    case lenet5, squeezenet

    var configuration: TrainingConfiguration {
        switch self {
        case .lenet5: .leNet5()
        case .squeezenet: .squeezeNet(epochs: TrainingConfiguration().epochs)
        }
    }

    /// What the recipes consist of, for the help.
    static var explanation: String {
        allCases.map { recipe in
            let parts = recipe.texts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            return "\(recipe.argument) is \(parts.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    /// The settings, each under its option's name, as it would be typed.
    private var texts: [String: String] {
        var texts = TrainSettings.texts(of: configuration.optimizer)
        texts[TrainSettings.batchSize.name] = configuration.batchSize.argument
        texts[TrainSettings.schedule.name] = configuration.schedule.shortDescription
        return texts
    }

    /// The arguments, and the recipe's settings for what they do not give. Of an optimiser that is given, not the
    /// recipe's, the recipe knows no settings.
    func completing(_ arguments: ParsedArguments) throws(UsageError) -> ParsedArguments {
        var texts = texts
        if arguments.contains(TrainSettings.optimizer),
            arguments[TrainSettings.optimizer].argument != configuration.optimizer.name
        {
            for name in TrainSettings.texts(of: configuration.optimizer).keys { texts[name] = nil }
        }
        return try arguments.completed(with: texts)
    }
}
