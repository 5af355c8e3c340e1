import ApusAnalysis
import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation

/// The network that a command looks into, and the images it looks at: those of a checkpoint, or a model of the catalogue with
/// weights of a file or random ones.
struct InspectedNetwork {
    private static let checkpoint = Option<String?>(
        CommonOptions.checkpoint.name, short: CommonOptions.checkpoint.short, "path",
        absent: "none, and --model says which network",
        help: "A checkpoint, or the folder of a run, of which the last one is read.")
    private static let model = Option<ModelName?>(
        NetworkChoice.model.name, short: NetworkChoice.model.short, "name",
        absent: "the one of the checkpoint",
        help: "The network, where there is no checkpoint.")
    private static let weights = Option<String?>(
        "weights", short: "w", "path", absent: "random numbers",
        help: "The model's parameters, under PyTorch's names: \(TensorSource.kinds).")
    private static let data = Option<String?>(
        "data", short: "d", "dataset", absent: "the data it was trained on",
        help: "The images, as in apus train; the test images are used.")
    private static let images = Option<Int?>(
        "images", "n", absent: "all", .between(1, and: 100_000_000),
        help: "The most images to look at, taken at equal distances.")

    /// Which network.
    static let options: [any OptionDeclaration] = [
        checkpoint, model, weights, CommonOptions.input, NetworkDesign.classes, CommonOptions.backend,
    ]
    /// Which images of a dataset, and how many.
    static let dataOptions: [any OptionDeclaration] = [data, images]

    private let path: String?
    private let name: ModelName?
    private let weights: String?
    private let input: Shape?
    private let classes: Int?
    private let backend: Backend
    let data: DatasetSpecification?
    /// The most images.
    let images: Int?

    /// - Parameter hasData: whether the command has the options of `dataOptions`.
    init(_ arguments: ParsedArguments, hasData: Bool = true) throws {
        path = arguments[Self.checkpoint]
        name = arguments[Self.model]
        weights = arguments[Self.weights]
        input = arguments[CommonOptions.input]
        classes = arguments[NetworkDesign.classes]
        backend = try CommonOptions.backend(arguments)
        data = try hasData ? DatasetSpecification(arguments[Self.data], of: Self.data) : nil
        images = hasData ? arguments[Self.images] : nil
        guard path != nil || name != nil else {
            throw UsageError.other(
                "\(Self.checkpoint.spelling) <path> or \(Self.model.spelling) <name> is required")
        }
        let others: [any OptionDeclaration] = [
            Self.model, Self.weights, CommonOptions.input, NetworkDesign.classes,
        ]
        if path != nil, let other = others.first(where: arguments.contains) {
            throw UsageError.other(
                "\(other.spelling) is for a network without \(Self.checkpoint.spelling), which says all of it"
            )
        }
    }

    /// A classifier and the test images.
    ///
    /// - Throws: `UsageError` where nothing says which images.
    func withTestImages() throws -> (classifier: Classifier, images: any Dataset, data: DatasetSpecification)
    {
        if let checkpoint = try checkpoint() {
            let data = try self.data ?? DatasetSpecification(trainedOn: checkpoint, option: Self.data)
            return (try checkpoint.classifier(backend: backend), try data.loadTest(), data)
        }
        guard let data else {
            throw UsageError.other("\(Self.data.spelling) <dataset> is required: no checkpoint says it")
        }
        let splits = try data.load()
        let model = catalogued
        let size = input.map { ImageSize(height: $0.height, width: $0.width) }
        let classifier = try ModelName(model).built(for: "the images of \(data)") {
            try Classifier(model, for: splits, imageSize: size, backend: backend)
        }
        try load(into: classifier.network)
        return (classifier, splits.test, data)
    }

    /// A classifier of images of any kind: a model of the catalogue sees them from -1 to 1.
    func classifier() throws -> Classifier {
        if let checkpoint = try checkpoint() { return try checkpoint.classifier(backend: backend) }
        let model = catalogued
        let shape = input ?? type(of: model).input
        let network = try ModelName(model).built(for: "images of \(shape)") {
            try Network(model, input: shape, backend: backend)
        }
        try load(into: network)
        return try Classifier(
            modelName: model.variantName, network: network,
            classNames: (0..<model.classes).map { "class \($0)" },
            normalization: .symmetric(channels: shape.channels))
    }

    /// What the checkpoint or the model is called.
    var title: String {
        if let path { return RunFolder.shown(URL(fileURLWithPath: path).path) }
        return catalogued.variantName
            + (weights.map { " with \(RunFolder.shown($0))" } ?? " with random weights")
    }

    private var catalogued: any Model {
        // There is a name where there is no checkpoint.
        name?.model(classes: classes) ?? LeNet5()
    }

    private func load(into network: Network) throws {
        guard let weights else { return }
        let source = try TensorSource(weights)
        try network.load(source.file, named: source.shownPath)
    }

    /// The checkpoint; nil where there is none.
    func checkpoint() throws -> Checkpoint? {
        try path.map { try Checkpoint(contentsOf: RunFolder.checkpoint(at: URL(fileURLWithPath: $0))) }
    }
}

extension FilterPictures.Scale: ArgumentValue {}

extension InspectedNetwork {
    static let scale = Option(
        "scale", "which", default: FilterPictures.Scale.all,
        help: "Whether the greatest magnitude of all has the last colour, or that of each by itself.")
}
