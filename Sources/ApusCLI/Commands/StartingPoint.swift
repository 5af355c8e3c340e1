import ApusData
import ApusFormats
import ApusNN
import ApusTraining

/// The file of `--weights`, read once, since a pipe gives its bytes a single time.
///
/// A checkpoint of the network's model says more than parameters, wherever no option does: which model and data, and what
/// becomes of images, which parameters that were trained on them depend on.
struct StartingPoint {
    let source: TensorSource
    /// The file, if it is a checkpoint of the network's model.
    private let checkpoint: Checkpoint?
    /// What it says of model and data that no option does, as it would be typed.
    private let texts: [String: String]
    private let arguments: ParsedArguments

    /// - Parameter model: what is asked for, if something is.
    /// - Throws: What reading the file throws; `CheckpointError` where the catalogue does not know its model; `UsageError`
    ///   where options contradict it.
    init(_ path: String, for model: ModelName?, _ arguments: ParsedArguments) throws {
        self.arguments = arguments
        source = try TensorSource(path)
        guard let checkpoint = source.checkpoint,
            model == nil || model?.argument == checkpoint.modelName
        else {
            (self.checkpoint, self.texts) = (nil, [:])
            return
        }
        self.checkpoint = checkpoint
        var texts: [String: String] = [:]
        if model == nil { texts[CommonOptions.model.name] = ModelName(try checkpoint.model()).argument }
        if !arguments.contains(TrainSettings.data) {
            texts[TrainSettings.data.name] = checkpoint.settings?[TrainSettings.data.name]
        }
        self.texts = texts
        if checkpoint.whitening != nil { try checkKeepsWhitening(of: checkpoint) }
    }

    /// A whitening is for images of one size, normalised in one way.
    private func checkKeepsWhitening(of checkpoint: Checkpoint) throws {
        var changing: [any OptionDeclaration] = [
            TrainSettings.whiten, TrainSettings.mean, TrainSettings.deviation,
        ]
        if let size = arguments[TrainSettings.imageSize],
            [size.height, size.width] != checkpoint.input.prefix(2)
        {
            changing.append(TrainSettings.imageSize)
        }
        guard let other = changing.first(where: arguments.contains) else { return }
        throw UsageError.other(
            "\(other.spelling) does not go with \(source.shownPath), whose network sees whitened images: the whitening "
                + "was fitted before, and stays")
    }

    /// The arguments, and what the checkpoint says of model and data for what they do not name.
    func completed() throws(UsageError) -> ParsedArguments { try arguments.completed(with: texts) }

    /// What becomes of the images of `data`: what became of the checkpoint's, but for what options say; nil where no
    /// checkpoint says it.
    ///
    /// - Throws: `DataError` where the images do not become such an input.
    func preprocessing(for data: DatasetSplits) throws -> Preprocessing? {
        try checkpoint?.preprocessing().applied(
            to: data, size: arguments[TrainSettings.imageSize],
            normalization: arguments.contains(TrainSettings.mean) ? data.normalization : nil)
    }

    /// What is taken over beside parameters.
    var taken: [String] {
        guard let checkpoint else { return [] }
        var parts: [String] = []
        if let model = texts[CommonOptions.model.name] { parts.append("the model \(model)") }
        if let data = texts[TrainSettings.data.name] { parts.append("the data \(data)") }
        if !arguments.contains(TrainSettings.imageSize) {
            parts.append(
                "the image size \(checkpoint.input.prefix(2).map(\.description).joined(separator: "x"))")
        }
        if !arguments.contains(TrainSettings.mean) { parts.append("the normalisation") }
        if let whitening = checkpoint.whitening {
            parts.append("the whitening \(whitening.method.rawValue)")
        }
        return parts
    }

    /// What is left, though the parameters were trained with it.
    var left: [String] {
        checkpoint == nil && source.checkpoint?.whitening != nil && !arguments.contains(TrainSettings.whiten)
            ? ["the whitening of its images"] : []
    }
}
