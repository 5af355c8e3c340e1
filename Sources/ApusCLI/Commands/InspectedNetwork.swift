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

    private static let mean = Option<ChannelNumbers?>(
        TrainSettings.mean.name, "x,..", absent: "0.5",
        help:
            "What becomes 0 of each channel that the model sees, on a scale from 0 to 1; of a network of torchvision "
            + "0.485,0.456,0.406. Goes with --deviation.")
    private static let deviation = Option<ChannelNumbers?>(
        TrainSettings.deviation.name, "x,..", absent: "0.5",
        help: "How far from the mean lies 1; of a network of torchvision 0.229,0.224,0.225. Goes with --mean."
    )

    /// Which network.
    static let options: [any OptionDeclaration] = [
        checkpoint, model, weights, CommonOptions.input, NetworkDesign.classes, CommonOptions.backend,
    ]
    /// What a network that is no checkpoint sees of images.
    static let normalization: [any OptionDeclaration] = [mean, deviation]
    /// Which images of a dataset, and how many.
    static let dataOptions: [any OptionDeclaration] = [data, images]

    /// Where the network comes from.
    private enum Source {
        case checkpoint(URL)
        case catalogue(CataloguedNetwork)
    }

    private let source: Source
    private let backend: Backend
    private let data: DatasetSpecification?
    /// The most images.
    let images: Int?

    /// Of `normalization` and `dataOptions` a command has those it needs.
    init(_ arguments: ParsedArguments) throws {
        source = try Self.source(arguments)
        backend = try CommonOptions.backend(arguments)
        data = try DatasetSpecification(arguments[Self.data], of: Self.data)
        images = arguments[Self.images]
    }

    private static func source(_ arguments: ParsedArguments) throws -> Source {
        let others: [any OptionDeclaration] = [
            model, weights, CommonOptions.input, NetworkDesign.classes, mean, deviation,
        ]
        if let path = arguments[checkpoint] {
            if let other = others.first(where: arguments.contains) {
                throw UsageError.other(
                    "\(other.spelling) is for a network without \(checkpoint.spelling), which says all of it")
            }
            return .checkpoint(URL(fileURLWithPath: path))
        }
        guard let name = arguments[model] else {
            throw UsageError.other("\(checkpoint.spelling) <path> or \(model.spelling) <name> is required")
        }
        return .catalogue(
            CataloguedNetwork(
                model: name.model(classes: arguments[NetworkDesign.classes]), weights: arguments[weights],
                input: arguments[CommonOptions.input],
                normalization: try TrainSettings.normalization(arguments) ?? .symmetric(channels: 1)))
    }

    /// A classifier and the test images.
    ///
    /// - Throws: `UsageError` where nothing says which images.
    func withTestImages() throws -> (classifier: Classifier, images: any Dataset, data: DatasetSpecification)
    {
        switch source {
        case .checkpoint(let url):
            let checkpoint = try Checkpoint(contentsOf: RunFolder.checkpoint(at: url))
            let data = try self.data ?? DatasetSpecification(trainedOn: checkpoint, option: Self.data)
            return (try checkpoint.classifier(backend: backend), try data.loadTest(), data)
        case .catalogue(let network):
            guard let data else {
                throw UsageError.other("\(Self.data.spelling) <dataset> is required: no checkpoint says it")
            }
            let (classifier, images) = try network.classifier(of: data, backend: backend)
            return (classifier, images, data)
        }
    }

    /// A classifier of images of any kind, and the checkpoint that it comes from.
    func read() throws -> (classifier: Classifier, checkpoint: Checkpoint?) {
        switch source {
        case .checkpoint(let url):
            let checkpoint = try Checkpoint(contentsOf: RunFolder.checkpoint(at: url))
            return (try checkpoint.classifier(backend: backend), checkpoint)
        case .catalogue(let network): return (try network.classifier(backend: backend), nil)
        }
    }

    /// What the checkpoint or the model is called.
    var title: String {
        switch source {
        case .checkpoint(let url): RunFolder.shown(url.path)
        case .catalogue(let network): network.title
        }
    }

    /// The files that the network is read from.
    func files() throws -> [URL] {
        switch source {
        case .checkpoint(let url): [try RunFolder.checkpoint(at: url)]
        case .catalogue(let network):
            try network.weights.map { [try RunFolder.checkpoint(at: URL(fileURLWithPath: $0))] } ?? []
        }
    }
}

/// A model of the catalogue, its weights, and how it sees images.
private struct CataloguedNetwork {
    let model: any Model
    /// A path; random ones where it is nil.
    let weights: String?
    let input: Shape?
    /// Of each channel of the network's input, or one for all.
    let normalization: Normalization

    var title: String {
        model.variantName + (weights.map { " with \(RunFolder.shown($0))" } ?? " with random weights")
    }

    /// A classifier of images of any kind.
    func classifier(backend: Backend) throws -> Classifier {
        let shape = input ?? type(of: model).input
        let network = try ModelName(model).built(for: "images of \(shape)") {
            try Network(model, input: shape, backend: backend)
        }
        return try classifier(
            network, classNames: (0..<model.classes).map { "class \($0)" }, images: network.input)
    }

    /// A classifier of a dataset's images, and those to test on.
    func classifier(of data: DatasetSpecification, backend: Backend) throws -> (Classifier, any Dataset) {
        // Their own statistics are not asked for.
        let splits = try data.load(normalization: .symmetric(channels: 1))
        let size = input.map { ImageSize(height: $0.height, width: $0.width) }
        let plain = try ModelName(model).built(for: "the images of \(data)") {
            try Classifier(model, for: splits, imageSize: size, backend: backend)
        }
        let classifier = try classifier(
            plain.network, classNames: plain.classNames, images: plain.preprocessing.image)
        return (classifier, splits.test)
    }

    private func classifier(_ network: Network, classNames: [String], images: Shape) throws -> Classifier {
        if let weights {
            let source = try TensorSource(weights)
            try network.load(source.file, named: source.shownPath)
        }
        let channels = network.input.channels
        let seen = normalization.channels == 1 ? normalization.repeated(channels: channels) : normalization
        return try Classifier(
            modelName: model.variantName, network: network, classNames: classNames,
            preprocessing: Preprocessing(image: images, input: network.input, normalization: seen))
    }
}

extension Preprocessing {
    /// What becomes of an image's values, as a sentence.
    var text: String {
        "Images are normalised by the mean \(normalization.mean.channelText) and the deviation "
            + "\(normalization.deviation.channelText)"
            + (whitening.map { ", and whitened by \($0.summary.text)." } ?? ".")
    }
}

extension FilterPictures.Scale: ArgumentValue {}

extension InspectedNetwork {
    static let scale = Option(
        "scale", "which", default: FilterPictures.Scale.all,
        help: "Whether the greatest magnitude of all has the last colour, or that of each by itself.")
}
