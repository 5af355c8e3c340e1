import ApusKernels
import ApusModels
import ApusNN

/// A network as the command line describes it, without weights: a model, its images and classes, and the backend.
struct NetworkDesign {
    static let classes = CommonOptions.classes(absent: "what the model was designed for")

    let model: any Model
    let input: Shape
    private let backend: Backend

    init(_ arguments: ParsedArguments) throws {
        model = arguments[CommonOptions.model].model(classes: arguments[Self.classes])
        input = arguments[CommonOptions.input] ?? type(of: model).input
        backend = try CommonOptions.backend(arguments)
    }

    /// - Throws: `CommandError` where the model cannot be built for the images.
    func network() throws -> Network {
        try built { try Network(model, input: input, backend: backend) }
    }

    /// What `body` builds of the network; see `ModelName.built`.
    func built<Result>(_ body: () throws -> Result) throws -> Result {
        try ModelName(model).built(for: "images of \(input)", body)
    }

    /// The model with what it is for.
    var title: String {
        "\(model.variantName) for images of \(input) and \(model.classes.counted("class", plural: "classes"))"
    }
}
