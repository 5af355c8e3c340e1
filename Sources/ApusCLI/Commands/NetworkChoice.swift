import ApusKernels
import ApusModels
import ApusNN
import ApusTraining

/// Which network the weights of a file are for: a checkpoint knows, other files must be told.
struct NetworkChoice {
    static let model = Option<ModelName?>(
        "model", short: "m", "name", absent: "the one of the checkpoint",
        help: "The network; required for weights that are no checkpoint.")
    static let classes = CommonOptions.classes(
        absent: "the checkpoint's, else what the model was designed for")

    let name: ModelName?
    let classes: Int?

    init(_ arguments: ParsedArguments) {
        name = arguments[Self.model]
        classes = arguments[Self.classes]
    }

    /// The model that the weights of `source` are for.
    ///
    /// - Throws: `UsageError` where nothing says which; `CommandError` or `CheckpointError` where a
    ///   checkpoint holds another one.
    func model(for source: TensorSource) throws -> any Model {
        guard let checkpoint = source.checkpoint else {
            guard let name else {
                throw UsageError.other(
                    "\(Self.model.spelling) <name> is required: \(source.shownPath) is no checkpoint, "
                        + "which would say it")
            }
            return name.model(classes: classes)
        }
        let model = try checkpoint.model()
        if let name, name.argument != model.variantName {
            throw CommandError(
                "\(source.shownPath) holds the model \(checkpoint.modelName), expected \(name.argument)")
        }
        if let classes, classes != model.classes {
            throw CommandError(
                "\(source.shownPath) holds \(model.classes) classes, expected \(classes)")
        }
        return model
    }

    /// A network of `model` for images of `input`, its parameters those of `source`.
    ///
    /// - Parameters:
    ///   - backend: what computes products and convolutions.
    ///   - fusesActivations: whether layers may compute the ReLU and the pool after them.
    /// - Throws: `CommandError` where the model cannot be built for the images, `WeightsError` where the
    ///   parameters are not the file's.
    func network(
        of model: any Model, input: Shape, weights source: TensorSource, backend: Backend = .preferred,
        fusesActivations: Bool = true
    ) throws -> Network {
        let network = try ModelName(model).built(for: "images of \(input)") {
            try Network(model, input: input, backend: backend, fusesActivations: fusesActivations)
        }
        try network.load(source.file, named: source.shownPath)
        return network
    }
}
