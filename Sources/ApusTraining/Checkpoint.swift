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
public struct Checkpoint: Sendable {
    static let magic = Data("APUS".utf8)
    static let version: UInt32 = 1

    /// The name of what the optimiser remembers of a parameter, its block `index`.
    static func stateName(_ index: Int, of parameter: String) -> String { "optimizer.\(index).\(parameter)" }

    /// The JSON at the start of the file.
    struct Header: Codable {
        struct Tensor: Codable, Equatable {
            var name: String
            var shape: [Int]
        }

        struct Training: Codable {
            var progress: TrainingProgress
            var history: [EpochRecord]
            var optimizer: String
            var stateCount: Int
            var settings: [String: String]
        }

        var model: String
        var input: [Int]
        var classNames: [String]
        var normalization: Normalization
        var tensors: [Tensor]
        var training: Training?
    }

    public let path: String
    let header: Header
    /// The elements of each tensor of the header.
    let values: [[Float]]

    /// The name of the model.
    public var modelName: String { header.model }
    public var classNames: [String] { header.classNames }
    /// The settings the run was started with, where the file holds a run to go on with.
    public let settings: [String: String]?
    /// How far the run was.
    public let progress: TrainingProgress?
    /// The elements of each tensor, parameters and the optimiser's, by name.
    package var tensors: [String: [Float]] {
        Dictionary(zip(header.tensors.map(\.name), values)) { first, _ in first }
    }
    /// What each completed epoch of the run came to.
    public var history: [EpochRecord] { header.training?.history ?? [] }

    /// Reads a checkpoint and checks its sum.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is not a whole checkpoint.
    public init(contentsOf url: URL) throws {
        let bytes = try WholeFile.contents(of: url)
        path = url.path
        (header, values) = try Checkpoint.decode(bytes, name: url.path)
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
    /// - Parameter model: gives the layers of a model the catalogue does not know, for a number of classes.
    /// - Throws: `CheckpointError` where the model is unknown or has other parameters than the file.
    public func classifier(model: ((_ classes: Int) -> Sequential)? = nil) throws -> Classifier {
        let build: (Shape) throws -> Network
        if let model {
            let layers = model(header.classNames.count)
            build = { try Network(layers, input: $0) }
        } else {
            let known = try self.model()
            build = { try Network(known, input: $0) }
        }
        guard header.input.count == 3, header.input.allSatisfy({ 1...65_536 ~= $0 }) else {
            throw CheckpointError(
                path: path, reason: "has an input of \(header.input), expected height, width and channels")
        }
        let input = Shape(
            height: header.input[0], width: header.input[1], channels: header.input[2])
        let network: Network
        do {
            network = try build(input)
        } catch {
            throw CheckpointError(
                path: path,
                reason: "holds a \(header.model) for images of \(input), which cannot be: \(error)")
        }
        try load(into: network)
        return try Classifier(
            modelName: header.model, network: network, classNames: header.classNames,
            normalization: header.normalization)
    }

    /// Sets the parameters of `network` to those of the file.
    ///
    /// - Throws: `CheckpointError` where it has other parameters, or the file some that are not finite.
    func load(into network: Network) throws {
        for (index, parameter) in network.parameters.enumerated() {
            let expected = Header.Tensor(name: parameter.name, shape: parameter.shape)
            let found = index < header.tensors.count ? header.tensors[index] : nil
            guard expected == found else {
                throw CheckpointError(
                    path: path,
                    reason: "has \(found.map { "\($0.name) \($0.shape)" } ?? "no tensor") where model "
                        + "\(header.model) has \(expected.name) \(expected.shape)")
            }
            guard values[index].allSatisfy(\.isFinite) else {
                throw CheckpointError(
                    path: path, reason: "has numbers in \(parameter.name) that are not finite")
            }
        }
        for (parameter, values) in zip(network.parameters, values) {
            try network.setValues(values, of: parameter)
        }
    }

    /// The state of training of the file, for a network of its parameters of which some are trained.
    func trainingState(parameters: Int, trained: Int) throws -> TrainingState {
        guard let training = header.training else {
            throw CheckpointError(path: path, reason: "holds a network, but no run of training to go on with")
        }
        guard 0...values.count ~= training.stateCount,
            values.count == parameters + trained * training.stateCount
        else {
            throw CheckpointError(
                path: path,
                reason: "holds \(values.count) tensors, expected \(parameters) parameters and "
                    + "\(training.stateCount) of the optimiser's for each of \(trained) trained ones")
        }
        return TrainingState(
            progress: training.progress, history: training.history, optimizer: training.optimizer,
            blocks: (0..<training.stateCount).map {
                Array(values[parameters + trained * $0..<parameters + trained * ($0 + 1)])
            })
    }

    private static func decode(_ bytes: Data, name: String) throws -> (Header, [[Float]]) {
        func number(at offset: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[bytes.startIndex + offset + $1]) << (8 * $1) }
        }
        guard bytes.count >= 16, bytes.prefix(4) == magic else {
            let found = bytes.prefix(4).map { String(format: "%02x", $0) }.joined(separator: " ")
            throw FormatError(
                file: name, offset: 0,
                found: bytes.count < 16 ? "\(bytes.count) bytes" : "the bytes \(found)",
                expected: "a checkpoint, which begins with APUS")
        }
        guard number(at: 4) == Int(version) else {
            throw FormatError(
                file: name, offset: 4, found: "version \(number(at: 4))", expected: "version \(version)")
        }
        let sum = CRC32.checksum(bytes.dropLast(4))
        guard number(at: bytes.count - 4) == Int(sum) else {
            throw FormatError(
                file: name, offset: bytes.count - 4,
                found: String(format: "the checksum %08x", number(at: bytes.count - 4)),
                expected: String(format: "%08x: the file is damaged or cut short", sum))
        }
        let headerCount = number(at: 8)
        guard headerCount <= bytes.count - 16 else {
            throw FormatError(
                file: name, offset: 8, found: "a header of \(headerCount) bytes",
                expected: "at most \(bytes.count - 16)")
        }
        let body = bytes.startIndex + 12 + headerCount
        let header: Header
        do {
            header = try JSONDecoder().decode(Header.self, from: bytes[bytes.startIndex + 12..<body])
        } catch {
            throw FormatError(
                file: name, offset: 12, found: "a header that cannot be read (\(error))",
                expected: "the JSON of a checkpoint")
        }
        return (header, try tensors(header.tensors, in: bytes[body..<bytes.endIndex - 4], name: name))
    }

    private static func tensors(
        _ tensors: [Header.Tensor], in bytes: Data, name: String
    ) throws -> [[Float]] {
        var counts: [Int] = []
        var rest = bytes.count / 4
        for tensor in tensors {
            var count = 1
            for extent in tensor.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: extent)
                count = overflow || extent < 0 ? Int.max : product
            }
            guard count <= rest else {
                throw FormatError(
                    file: name, offset: bytes.startIndex,
                    found: "a tensor \(tensor.name) of shape \(tensor.shape)",
                    expected: "at most \(rest) more elements")
            }
            counts.append(count)
            rest -= count
        }
        guard rest == 0, bytes.count % 4 == 0 else {
            throw FormatError(
                file: name, offset: bytes.startIndex, found: "\(bytes.count) bytes of tensors",
                expected: "\(4 * counts.reduce(0, +))")
        }
        return bytes.withUnsafeBytes { buffer in
            var offset = 0
            return counts.map { count in
                defer { offset += 4 * count }
                return (0..<count).map {
                    Float(
                        bitPattern: UInt32(
                            littleEndian: buffer.loadUnaligned(
                                fromByteOffset: offset + 4 * $0, as: UInt32.self)))
                }
            }
        }
    }
}

extension Checkpoint {
    /// The bytes of a checkpoint of `classifier`, with the state of training if one is given.
    static func encode(
        _ classifier: Classifier, training: TrainingState? = nil, settings: [String: String] = [:]
    ) throws -> Data {
        let network = classifier.network
        var tensors = network.parameters.map { Header.Tensor(name: $0.name, shape: $0.shape) }
        var values = network.parameters.map { network.values(of: $0) }
        for (index, block) in (training?.blocks ?? []).enumerated() {
            tensors += network.trainedParameters.map {
                Header.Tensor(name: stateName(index, of: $0.name), shape: $0.shape)
            }
            values += block
        }
        let header = Header(
            model: classifier.modelName,
            input: [network.input.height, network.input.width, network.input.channels],
            classNames: classifier.classNames, normalization: classifier.normalization, tensors: tensors,
            training: training.map {
                Header.Training(
                    progress: $0.progress, history: $0.history, optimizer: $0.optimizer,
                    stateCount: $0.blocks.count, settings: settings)
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = try encoder.encode(header)

        var bytes = magic
        func append(_ number: UInt32) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        append(version)
        append(UInt32(json.count))
        bytes.append(json)
        for tensor in values {
            tensor.map(\.bitPattern.littleEndian).withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
        append(CRC32.checksum(bytes))
        return bytes
    }
}

extension Classifier {
    /// Writes the classifier to a file that `load(from:)` reads.
    ///
    /// - Throws: `FileError` where it cannot be written; an old file is then left whole.
    public func save(to url: URL) throws {
        try AtomicFile.write(try Checkpoint.encode(self), to: url)
    }

    /// Reads a classifier from a checkpoint, its model found by name.
    ///
    /// - Throws: `FileError`, `FormatError` or `CheckpointError` where there is no whole one.
    public static func load(from url: URL) throws -> Classifier {
        try Checkpoint(contentsOf: url).classifier()
    }
}

extension Trainer {
    /// Writes the classifier and the state of training, for the run to go on from.
    ///
    /// - Parameter settings: what the run was started with, kept as it is.
    /// - Throws: `TrainingError.diverged` where a parameter is not finite, `FileError` where the file cannot
    ///   be written; an old file is then left whole.
    public func save(to url: URL, settings: [String: String] = [:]) throws {
        try checkParameters()
        try AtomicFile.write(
            try Checkpoint.encode(classifier, training: state, settings: settings), to: url)
    }

    /// Goes on where the run in a checkpoint was, with its parameters.
    ///
    /// - Throws: `CheckpointError` or `TrainingError` where the file holds no run, or another one.
    public func resume(from checkpoint: Checkpoint) throws {
        let network = classifier.network
        let state = try checkpoint.trainingState(
            parameters: network.parameters.count, trained: network.trainedParameters.count)
        try checkpoint.load(into: network)
        try restore(state)
    }
}

/// A whole checkpoint that is not the one that is wanted.
public struct CheckpointError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public var description: String { "\(path) \(reason)" }
}
