import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation

/// A classifier in a file, with the state of its training if there is one.
///
/// The file is little-endian: the magic `APUS`, a version and the header's length (32 bits each), the header
/// as JSON, the tensors' elements as 32-bit floats in the header's order and PyTorch's layout, and a CRC-32
/// of all before it. It is written beside its target and renamed, so a crash leaves the old one.
///
/// Version 2 is of pruned or shared weights, whose constraints are in the header and whose tensors may be in fewer bytes
/// than their floats (see `CompactTensor`), and of whitened images. What needs none of that is version 1.
public struct Checkpoint: Sendable {
    static let magic = Data("APUS".utf8)
    static let versions: ClosedRange<UInt32> = 1...2

    /// How the names of what the optimiser remembers begin, its block `index`; the parameter's follows.
    static func statePrefix(_ index: Int) -> String { "optimizer.\(index)." }
    /// How the names of the weights begin that training moves, where the network's parameters are their average.
    static let rawPrefix = "raw."
    /// The tensors of the preprocessing's whitening, the last ones of the file.
    static let whiteningNames = ["preprocessing.mean", "preprocessing.matrix"]

    /// The JSON at the start of the file.
    struct Header: Codable {
        struct Tensor: Codable {
            var name: String
            var shape: [Int]
            /// How its bytes are to be read, where they are no floats.
            var form: CompactTensor.Form?
        }

        struct Training: Codable {
            var progress: TrainingProgress
            var history: [EpochRecord]
            var optimizer: String
            var stateCount: Int
            /// Whether the network's parameters are averages, and the weights they follow are there too.
            var isAveraged: Bool?
            var settings: [String: String]
        }

        var model: String
        var input: [Int]
        /// The extent of images as datasets hold them, where it is not the input's.
        var image: [Int]?
        var classNames: [String]
        var normalization: Normalization
        /// Whose numbers are among the tensors.
        var whitening: Whitening.Summary?
        var tensors: [Tensor]
        var training: Training?
        /// What training keeps of compressed weights, where there are any.
        var constraints: WeightConstraints?
    }

    public let path: String
    let header: Header
    /// All tensors, in the file's order: the parameters, the weights where those are their average, then what the
    /// optimiser remembers of each.
    package let fileTensors: [FileTensor]
    /// What images are whitened with; none where they are not.
    let whiteningTensors: [FileTensor]

    /// The name of the model.
    public var modelName: String { header.model }
    public var classNames: [String] { header.classNames }
    /// Of the network's input.
    public var normalization: Normalization { header.normalization }
    /// How the network's input is whitened, where it is.
    public var whitening: Whitening.Summary? { header.whitening }
    /// The settings the run was started with, where the file holds a run to go on with.
    public let settings: [String: String]?
    /// How far the run was.
    public let progress: TrainingProgress?
    /// What each completed epoch of the run came to.
    public var history: [EpochRecord] { header.training?.history ?? [] }
    /// What training keeps of compressed weights.
    public var constraints: WeightConstraints { header.constraints ?? WeightConstraints() }

    /// Reads a checkpoint and checks its sum.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is not a whole checkpoint.
    public init(contentsOf url: URL) throws {
        try self.init(WholeFile.contents(of: url), path: url.path)
    }

    /// Takes the whole file at `path` as a checkpoint, whose tensors stay parts of `bytes`.
    ///
    /// - Throws: `FormatError` or `CheckpointError` where it is not a whole checkpoint.
    package init(_ bytes: Data, path: String) throws {
        self.path = path
        let (header, tensors) = try Checkpoint.decode(bytes, name: path)
        let names = header.whitening == nil ? [] : Checkpoint.whiteningNames
        guard tensors.suffix(names.count).map(\.name) == names else {
            throw CheckpointError(
                path: path, reason: "has whitened images, but not \(names.joined(separator: " and "))")
        }
        self.header = header
        fileTensors = tensors.dropLast(names.count)
        whiteningTensors = tensors.suffix(names.count)
        settings = header.training?.settings
        progress = header.training?.progress
    }

    /// The model of the file.
    ///
    /// - Throws: `CheckpointError` where the catalogue does not know it.
    public func model() throws -> any Model {
        guard let model = ModelCatalog.model(named: header.model, classes: header.classNames.count) else {
            throw CheckpointError(
                path: path,
                reason:
                    "holds the model \(header.model); known are \(ModelCatalog.names.joined(separator: ", "))"
            )
        }
        return model
    }

    /// The classifier of the file, its model found by name.
    ///
    /// - Parameters:
    ///   - backend: what computes products and convolutions.
    ///   - freezing: describes the parameters that training leaves as they are; a run goes on with those it was
    ///     begun with.
    ///   - model: gives the layers of a model the catalogue does not know, for a number of classes.
    /// - Throws: `CheckpointError` where the model is unknown or has other parameters than the file.
    public func classifier(
        backend: Backend = .preferred, freezing: [NamePattern] = [],
        model: ((_ classes: Int) -> Sequential)? = nil
    ) throws -> Classifier {
        let build: (Shape) throws -> Network
        if let model {
            let layers = try factored(model(header.classNames.count))
            build = { try Network(layers, input: $0, backend: backend, freezing: freezing) }
        } else {
            let known = try self.model()
            build = { try Network(known, input: $0, backend: backend, freezing: freezing) }
        }
        let preprocessing = try preprocessing()
        let input = preprocessing.input
        let network: Network
        do {
            network = try build(input)
        } catch {
            throw CheckpointError(
                path: path,
                reason: "holds a \(header.model) for images of \(input), which cannot be: \(error)")
        }
        try load(into: network)
        let constraints = constraints
        if let name = constraints.unknownName(in: network) {
            throw CheckpointError(
                path: path, reason: "constrains \(name), which is no parameter of \(header.model)")
        }
        return try Classifier(
            modelName: header.model, network: network, classNames: header.classNames,
            preprocessing: preprocessing, constraints: constraints)
    }

    /// How images become the input of the network of the file.
    ///
    /// - Throws: `CheckpointError` where that cannot be.
    public func preprocessing() throws -> Preprocessing {
        let input = try shape(header.input, of: "an input")
        let image = try header.image.map { try shape($0, of: "images") } ?? input
        let whitening = try whitening(of: input)
        do {
            return try Preprocessing(
                image: image, input: input, normalization: header.normalization, whitening: whitening)
        } catch let error as DataError {
            throw CheckpointError(path: path, reason: "cannot be used: \(error)")
        }
    }

    private func shape(_ extents: [Int], of what: String) throws -> Shape {
        guard extents.count == 3, extents.allSatisfy({ 1...65_536 ~= $0 }) else {
            throw CheckpointError(
                path: path, reason: "has \(what) of \(extents), expected height, width and channels")
        }
        return Shape(height: extents[0], width: extents[1], channels: extents[2])
    }

    /// Sets the parameters of `network` to those of the file.
    ///
    /// - Throws: `CheckpointError` where it has other parameters, or the file some that are not finite.
    func load(into network: Network) throws {
        let values = try network.parameters.enumerated().map { index, parameter in
            let found = index < header.tensors.count ? header.tensors[index] : nil
            guard let found, found.name == parameter.name, found.shape == parameter.shape else {
                throw CheckpointError(
                    path: path,
                    reason: "has \(found.map { "\($0.name) \($0.shape)" } ?? "no tensor") where model "
                        + "\(header.model) has \(parameter.name) \(parameter.shape)")
            }
            let values = fileTensors[index].floats
            guard values.allSatisfy(\.isFinite) else {
                throw CheckpointError(
                    path: path, reason: "has numbers in \(parameter.name) that are not finite")
            }
            return values
        }
        for (parameter, values) in zip(network.parameters, values) {
            try network.setValues(values, of: parameter)
        }
    }

    /// The state of training of the file, for a network of its parameters that trains the same ones.
    func trainingState(for network: Network) throws -> TrainingState {
        let (parameters, trained) = (network.parameters.count, network.trainedParameters.count)
        guard let training = header.training else {
            throw CheckpointError(path: path, reason: "holds a network, but no run of training to go on with")
        }
        let isAveraged = training.isAveraged ?? false
        guard 0...fileTensors.count ~= training.stateCount,
            fileTensors.count == parameters + trained * (training.stateCount + (isAveraged ? 1 : 0))
        else {
            throw CheckpointError(
                path: path,
                reason: "holds \(fileTensors.count) tensors, expected \(parameters) parameters and "
                    + "\(training.stateCount) of the optimiser's for each of \(trained) trained ones"
                    + (isAveraged ? ", and what they are averages of" : ""))
        }
        let prefixes =
            (isAveraged ? [Self.rawPrefix] : []) + (0..<training.stateCount).map(Self.statePrefix)
        var blocks = try prefixes.enumerated().map { index, prefix in
            let start = parameters + index * trained
            for (found, parameter) in zip(header.tensors[start...], network.trainedParameters)
            where found.name != prefix + parameter.name {
                throw CheckpointError(
                    path: path,
                    reason: "holds \(found.name), expected \(prefix)\(parameter.name): other parameters "
                        + "were frozen")
            }
            return fileTensors[start..<start + trained].map(\.floats)
        }
        let raw = isAveraged ? blocks.removeFirst() : nil
        return TrainingState(
            progress: training.progress, history: training.history, optimizer: training.optimizer,
            blocks: blocks, raw: raw)
    }
}

extension Classifier {
    /// Writes the classifier to a file that `load(from:)` reads; pruned and shared weights take fewer bytes.
    ///
    /// - Throws: `FileError` where it cannot be written; an old file is then left whole.
    public func save(to url: URL) throws {
        try AtomicFile.write(try Checkpoint.encode(self), to: url)
    }

    /// Reads a classifier from a checkpoint, its model found by name.
    ///
    /// - Parameter backend: what computes products and convolutions.
    /// - Throws: `FileError`, `FormatError` or `CheckpointError` where there is no whole one.
    public static func load(from url: URL, backend: Backend = .preferred) throws -> Classifier {
        try Checkpoint(contentsOf: url).classifier(backend: backend)
    }
}

extension Trainer {
    /// Writes the classifier, as it is `tested`, and the state of training, for the run to go on from.
    ///
    /// - Parameter settings: what the run was started with, kept as it is.
    /// - Throws: `TrainingError.diverged` where a parameter is not finite, `FileError` where the file cannot
    ///   be written; an old file is then left whole.
    public func save(to url: URL, settings: [String: String] = [:]) throws {
        try AtomicFile.write(try checkpoint(settings: settings), to: url)
    }

    /// The bytes of such a file.
    func checkpoint(settings: [String: String]) throws -> Data {
        try checkParameters()
        return try Checkpoint.encode(tested, training: state, settings: settings)
    }

    /// Goes on where the run in a checkpoint was, with its parameters.
    ///
    /// - Throws: `CheckpointError` or `TrainingError` where the file holds no run, or another one.
    public func resume(from checkpoint: Checkpoint) throws {
        let state = try checkpoint.trainingState(for: classifier.network)
        try checkpoint.load(into: classifier.network)
        average?.begin(with: classifier.network)
        try restore(state)
    }
}

/// A whole checkpoint that is not the one that is wanted.
public struct CheckpointError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var description: String { "\(path) \(reason)" }
}
