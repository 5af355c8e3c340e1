import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import Foundation

/// What it takes to use a network's parameters elsewhere: the words beside the numbers, as JSON.
public struct ModelCard: Sendable, Equatable, Codable {
    /// How the bytes of an image become the network's input, step by step.
    public struct Preprocessing: Sendable, Equatable, Codable {
        public let height: Int
        public let width: Int
        public let channels: Int
        /// What the channels are.
        public let color: String
        /// How an image of another size comes to this one.
        public let resize: String
        /// What a byte is divided by before the mean is subtracted, and by the deviation after that.
        public let scale: Double
        public let mean: [Double]
        public let deviation: [Double]
        /// What comes after that, where something does.
        public internal(set) var whitening: Whitening?
    }

    /// How an input, normalised already, is whitened.
    public struct Whitening: Sendable, Equatable, Codable {
        public let fit: ApusData.Whitening.Summary
        /// In words, of the tensors.
        public let formula: String
        /// The file beside the parameters that holds the tensors `mean`, `[channels, height, width]`, and `matrix`.
        public internal(set) var file: String?
    }

    /// What the run came to at the epoch whose parameters these are.
    public struct Metrics: Sendable, Equatable, Codable {
        /// The data argument of the run, where it is known.
        public let data: String?
        public let epoch: Int
        public let trainLoss: Double
        public let trainAccuracy: Double
        public let testLoss: Double?
        public let testAccuracy: Double?
    }

    /// The key of the card in the metadata of a safetensors file.
    static let metadataKey = "apus"

    public let model: String
    /// The names of the classes, in the order of the outputs.
    public let classes: [String]
    public internal(set) var preprocessing: Preprocessing
    /// Numbers in all parameters.
    public let parameters: Int
    /// Of a forward pass over one image.
    public let multiplyAdds: Int
    public internal(set) var metrics: Metrics?
    /// Lines of Python that load the network into PyTorch, from a file of parameters in the working folder; nil for a
    /// model that a line does not make there. Its outputs are logits.
    public internal(set) var pytorch: [String]?

    /// The card of a classifier as it is.
    public init(_ classifier: Classifier) {
        let (network, preprocessing) = (classifier.network, classifier.preprocessing)
        let input = network.input
        let size = ImageSize(height: input.height, width: input.width)
        model = classifier.modelName
        classes = classifier.classNames
        self.preprocessing = Preprocessing(
            height: input.height, width: input.width, channels: input.channels,
            color: Self.color(of: preprocessing),
            resize: "to \(size), bilinear with antialiasing, proportions not kept", scale: 255,
            mean: preprocessing.normalization.mean, deviation: preprocessing.normalization.deviation,
            whitening: preprocessing.whitening.map {
                Whitening(
                    fit: $0.summary,
                    formula: "matrix @ (input - mean), the input as a vector: channel, row, column")
            })
        parameters = network.parameterCount
        multiplyAdds = network.multiplyAdds
    }

    private static func color(of preprocessing: ApusData.Preprocessing) -> String {
        switch (preprocessing.channels, preprocessing.input.channels) {
        case (1, 1): "grey: of colours 0.299 red + 0.587 green + 0.114 blue"
        case (1, let channels): "grey, the same in \(channels) channels"
        case (3, 3): "red, green, blue"
        case (_, let channels): "\(channels) channels"
        }
    }

    /// The card in a file of tensors that `Classifier.export(to:card:)` wrote; nil in others.
    public init?(in file: TensorFile) {
        guard let text = file.metadata[Self.metadataKey],
            let card = try? JSONDecoder().decode(ModelCard.self, from: Data(text.utf8))
        else { return nil }
        self = card
    }
}

extension Checkpoint {
    /// The card of the classifier of the file, and of its run as far as it was when an epoch ended with these
    /// parameters.
    public func card(of classifier: Classifier) -> ModelCard {
        var card = ModelCard(classifier)
        guard let last = history.last, progress?.images == 0 else { return card }
        card.metrics = ModelCard.Metrics(
            data: settings?["data"], epoch: last.epoch, trainLoss: last.trainLoss,
            trainAccuracy: last.trainAccuracy, testLoss: last.testLoss, testAccuracy: last.testAccuracy)
        return card
    }
}

extension Classifier {
    /// Writes the parameters as safetensors, under PyTorch's names and in its layout, with the card in the file's
    /// metadata and, to be read by people, as JSON beside it: `model.json` for `model.safetensors`. What images are whitened
    /// with goes to a file of its own, `model.whitening.safetensors`; an older export's is removed where nothing is.
    ///
    /// - Parameter card: by default one without metrics.
    /// - Returns: where the JSON is.
    /// - Throws: `ExportError` where the name does not end in `.safetensors`, or another file has that of the card or the
    ///   whitening; `FileError` where a file cannot be written. An old one is then left whole.
    @discardableResult
    public func export(to url: URL, card: ModelCard? = nil) throws -> URL {
        guard url.pathExtension.lowercased() == "safetensors" else {
            throw ExportError.name(path: url.path)
        }
        let side = url.deletingPathExtension().appendingPathExtension("json")
        if let old = try? Data(contentsOf: side),
            (try? JSONDecoder().decode(ModelCard.self, from: old)) == nil
        {
            throw ExportError.isNoCard(path: side.path)
        }
        let whitening = preprocessing.whitening
        let beside = url.deletingPathExtension().appendingPathExtension("whitening.safetensors")
        let isTaken = FileManager.default.fileExists(atPath: beside.path)
        let isOwn = isTaken && Whitening.isExport(beside)
        guard whitening == nil || !isTaken || isOwn else {
            throw ExportError.isNoWhitening(path: beside.path)
        }
        var card = card ?? ModelCard(self)
        card.pytorch = pyTorchLines(file: url.lastPathComponent)
        if let whitening {
            card.preprocessing.whitening?.file = beside.lastPathComponent
            card.pytorch? += Self.pyTorchLines(whitening: beside.lastPathComponent)
            try Safetensors.write(TensorFile(whitening.tensors), to: beside)
        }
        let encoder = JSONEncoder.forLines
        // The format is PyTorch's word for its own names and layouts.
        let metadata = [
            "format": "pt",
            ModelCard.metadataKey: String(decoding: try encoder.encode(card), as: UTF8.self),
        ]
        encoder.outputFormatting.insert(.prettyPrinted)
        try AtomicFile.write(try encoder.encode(card) + "\n".utf8, to: side)
        // Last, so that what it names is there.
        try Safetensors.write(TensorFile(network.tensors, metadata: metadata), to: url)
        if whitening == nil, isOwn { try FileManager.default.removeItem(at: beside) }
        return side
    }

    private func pyTorchLines(file: String) -> [String]? {
        let model = ModelCatalog.model(named: modelName, classes: classNames.count)
        return model?.pyTorchExpression.map { expression in
            [
                "import torch, torchvision; from collections import OrderedDict; "
                    + "from safetensors.torch import load_file",
                "network = \(expression).eval()",
                "network.load_state_dict(load_file(\(file.quotedForPython)))",
            ]
        }
    }

    private static func pyTorchLines(whitening file: String) -> [String] {
        [
            "whitening = load_file(\(file.quotedForPython))",
            "whiten = lambda images: ((images - whitening[\"mean\"]).flatten(1) @ whitening[\"matrix\"].T)"
                + ".view_as(images)",
        ]
    }
}

extension Whitening {
    /// Whether the file at `url` is what an export has written beside the parameters.
    fileprivate static func isExport(_ url: URL) -> Bool {
        guard let file = try? TensorFile(contentsOf: url), file.tensors.count == 2,
            let mean = file["mean"], let matrix = file["matrix"], mean.shape.count == 3
        else { return false }
        return matrix.shape == [mean.floats.count, mean.floats.count]
    }
}

extension String {
    fileprivate var quotedForPython: String {
        "\"" + replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}

/// A network that cannot be exported under a name.
public enum ExportError: Error, Sendable, Hashable, CustomStringConvertible {
    case name(path: String)
    /// Where the card would go there is a file that is none.
    case isNoCard(path: String)
    /// Nor is the one where the whitening would go.
    case isNoWhitening(path: String)

    public var description: String {
        switch self {
        case .name(let path): "\(path): found another ending, expected .safetensors"
        case .isNoCard(let path):
            "\(path) would be replaced by the network's card, and is none itself: choose another name"
        case .isNoWhitening(let path):
            "\(path) would be replaced by what images are whitened with, and is none itself: choose another name"
        }
    }
}
