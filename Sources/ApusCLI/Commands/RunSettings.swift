import ApusTraining

/// What is kept of a run, and what ends it early.
struct RunSettings: Sendable {
    let saveInterval: SaveInterval
    let keptEpochs: Int
    let loggedSteps: Int
    let earlyStopping: EarlyStopping?
    /// Each setting that is given, under its option's name.
    let texts: [String: String]

    static let saveEvery = Option<SaveInterval?>(
        "save-every", "n|time", absent: defaultInterval.argument,
        help: "How often the run is saved within an epoch: steps, as in 500, or a time, as in 30s, 5m or 2h.")
    static let keep = Option(
        "keep", "n", default: 0, .between(0, and: 100_000),
        help: "Epochs, the last ones, of which checkpoints stay, beside the best one and the last.")
    static let logEvery = Option(
        "log-every", "n", default: 100, .between(1, and: 1_000_000),
        help: "TensorBoard is told of the loss, accuracy and rate of every so many steps.")
    static let patience = Option<Int?>(
        "patience", "n", absent: "train all epochs", .between(1, and: 100_000),
        help: "Stop after so many epochs in a row that brought nothing better.")
    static let patienceMeasure = Option(
        "patience-on", "measure", default: EarlyStopping.Measure.accuracy,
        help: "What is to become better, on the test images.")
    static let minimumImprovement = Option<Double?>(
        "min-improvement", "x", absent: "0", .atLeast(0), help: "By more than this, or it counts as nothing.")

    static let groups = [
        OptionGroup("When to stop early", [patience, patienceMeasure, minimumImprovement]),
        OptionGroup("What to keep", [saveEvery, keep, logEvery]),
    ]
    /// What decides no bits, and may therefore change when a run is taken up.
    static let changeable: [any OptionDeclaration] = [saveEvery, keep, logEvery]

    private static let defaultInterval = SaveInterval.seconds(300)

    /// - Throws: `UsageError` where options do not go together.
    init(_ arguments: ParsedArguments) throws {
        saveInterval = arguments[Self.saveEvery] ?? Self.defaultInterval
        keptEpochs = arguments[Self.keep]
        loggedSteps = arguments[Self.logEvery]
        var texts: [String: String] = [:]
        texts[Self.saveEvery.name] = arguments[Self.saveEvery]?.argument
        if arguments.contains(Self.keep) { texts[Self.keep.name] = keptEpochs.argument }
        if arguments.contains(Self.logEvery) { texts[Self.logEvery.name] = loggedSteps.argument }
        if let patience = arguments[Self.patience] {
            let rule = EarlyStopping(
                patience: patience, measure: arguments[Self.patienceMeasure],
                minimumImprovement: arguments[Self.minimumImprovement] ?? 0)
            texts[Self.patience.name] = patience.argument
            texts[Self.patienceMeasure.name] = rule.measure.argument
            texts[Self.minimumImprovement.name] = rule.minimumImprovement.argument
            earlyStopping = rule
        } else {
            let others: [any OptionDeclaration] = [Self.patienceMeasure, Self.minimumImprovement]
            if let other = others.first(where: arguments.contains) {
                throw UsageError.other("\(other.spelling) does not go without \(Self.patience.spelling)")
            }
            earlyStopping = nil
        }
        self.texts = texts
    }
}

extension EarlyStopping.Measure: ArgumentValue {}

extension SaveInterval: ArgumentValue {
    private static let units: [(suffix: Character, seconds: Double)] = [("h", 3600), ("m", 60), ("s", 1)]

    package var argument: String {
        switch self {
        case .steps(let count): return "\(count)"
        case .seconds(let seconds):
            let unit = Self.units.first { seconds.truncatingRemainder(dividingBy: $0.seconds) == 0 }
            return (seconds / (unit?.seconds ?? 1)).argument + String(unit?.suffix ?? "s")
        }
    }

    package init(argument: String) throws(InvalidArgument) {
        if let steps = Int(argument), steps >= 1 {
            self = .steps(steps)
        } else if let unit = Self.units.first(where: { argument.last == $0.suffix }),
            let count = Double(argument.dropLast()), count > 0, count < 1e9
        {
            self = .seconds(count * unit.seconds)
        } else {
            throw InvalidArgument(mustBe: "a number of steps such as 500, or a time such as 30s, 5m or 2h")
        }
    }
}
