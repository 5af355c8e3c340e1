import ApusData
import ApusFormats
import ApusTraining

/// The options of `apus train` that decide the bits of a run.
extension TrainSettings {
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
        help:
            "The images: fashion-mnist, fashion-mnist=DIR, mnist=DIR, cifar10=DIR, cifar100=DIR; folder=DIR for "
            + "JPEG and PNG files, a folder for each class, in train and val, or split as in "
            + "folder=DIR,test=0.2,seed=1; synthetic, or synthetic=COUNT generated ones.")
    static let imageSize = Option<ImageSize?>(
        "image-size", "n|HxW", absent: "as they are; the model's where they differ",
        help: "What images are resized to, in square or height and width. "
            + "Grey is repeated where the model wants colour, in any case.")
    static let mean = Option<ChannelNumbers?>(
        "mean", "x,..", absent: "the training images'",
        help: "What becomes 0 of each channel, on a scale from 0 to 1; goes with --deviation.")
    static let deviation = Option<ChannelNumbers?>(
        "deviation", "x,..", absent: "the training images'",
        help: "How far from the mean lies 1; goes with --mean.")
    static let whiten = Option<Whitening.Settings?>(
        "whiten", "method", absent: "none",
        help:
            "Make the pixels of images uncorrelated, by what is fitted to the training images: zca, which leaves "
            + "pixels in their places, or pca, which does not. Parameters follow a colon: epsilon, added to "
            + "each variance, \(Whitening.Settings.defaultEpsilon) if not given, and images, the most to fit to, "
            + "as in zca:epsilon=0.01,images=10000.")
    static let classes = CommonOptions.classes(
        absent: "the data's", help: "Classes to tell apart, no fewer than the data's.")
    static let epochs = Option(
        "epochs", short: "e", "n", default: 10, .between(1, and: 100_000), help: "Passes over the images.")
    static let batchSize = CommonOptions.batchSize(default: 64, help: "Images of a step.")
    static let accumulate = Option<Int?>(
        "accumulate", "n", absent: "1", .between(1, and: 100_000),
        help: "Batches whose gradients add up to one step: the bits are those of batches n times as large.")
    static let seed = Option<UInt64>(
        "seed", short: "s", "n", default: 1, help: "Start of the random numbers: the same seed, the same run."
    )

    static let weights = Option<String?>(
        "weights", short: "w", "file", absent: "random ones",
        help: "Start from what another network has learned, as far as names and shapes fit: "
            + "a file of tensors, a checkpoint, or the folder of a run. "
            + "Of a checkpoint also the model; and, unless --model names another, the data, the image size, the "
            + "normalisation and the whitening, where no option says them.")
    static let freeze = Option<NamePatterns?>(
        "freeze", "names", absent: "none",
        help: "Parameters that stay as they are: names or patterns, separated by commas, as in 'features.*'.")

    static let recipe = Option<Recipe?>(
        "recipe", "name",
        help: "Settings that suit a network, for all that is not given: \(Recipe.explanation).")
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

    static let classWeights = Option<ClassWeights?>(
        "class-weights", "weights", absent: "all the same",
        help: "What images of each class count in cross-entropy: balanced, by how rare they are, or numbers "
            + "separated by commas. The mean is over these weights.")
    static let ema = Option<Double?>(
        "ema", "x", absent: "no average", .from(0, below: 1),
        help: "The part of an average of the weights that a step leaves, as in 0.999; step t leaves at most "
            + "(1 + t) / (10 + t). The average is what is tested, saved and predicts.")

    static let groups = [
        OptionGroup(
            "What to train",
            [
                CommonOptions.model, data, imageSize, mean, deviation, whiten, CommonOptions.augment, classes,
                epochs, batchSize, accumulate, seed,
            ]),
        OptionGroup("What to start from", [weights, freeze]),
        OptionGroup(
            "How to train",
            [
                recipe, optimizer, learningRate, momentum, nesterov, weightDecay, schedule, clipNorm, loss,
                labelSmoothing, classWeights, ema, CommonOptions.backend,
            ]),
    ]
    static var options: [any OptionDeclaration] { (groups + RunSettings.groups).flatMap(\.options) }
}
