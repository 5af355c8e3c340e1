import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import Foundation

/// The layout of the file: see `Checkpoint`.
extension Checkpoint {
    /// The header of a checkpoint's bytes, and its tensors; `name` is the file's name in errors.
    static func decode(_ bytes: Data, name: String) throws -> (Header, [FileTensor]) {
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
        guard versions.contains(UInt32(number(at: 4))) else {
            throw FormatError(
                file: name, offset: 4, found: "version \(number(at: 4))",
                expected: "version \(versions.lowerBound) or \(versions.upperBound)")
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

    /// The tensors whose elements follow one another in `bytes`, each a part of them.
    private static func tensors(
        _ tensors: [Header.Tensor], in bytes: Data, name: String
    ) throws -> [FileTensor] {
        var rest = bytes
        let found = try tensors.map { tensor in
            if let form = tensor.form { return try compactTensor(tensor, form, &rest, name: name) }
            guard let count = ElementType.float32.byteCount(of: tensor.shape), count <= rest.count else {
                throw FormatError(
                    file: name, offset: rest.startIndex,
                    found: "a tensor \(tensor.name) of shape \(tensor.shape)",
                    expected: "extents from 0, of at most \(rest.count / 4) more elements")
            }
            defer { rest = rest.dropFirst(count) }
            return FileTensor(
                name: tensor.name, shape: tensor.shape, elementType: .float32, bytes: rest.prefix(count))
        }
        guard rest.isEmpty else {
            throw FormatError(
                file: name, offset: bytes.startIndex, found: "\(bytes.count) bytes of tensors",
                expected: "\(bytes.count - rest.count)")
        }
        return found
    }

    /// A tensor in fewer bytes than its floats, at the start of `rest`, which then begins after it.
    private static func compactTensor(
        _ tensor: Header.Tensor, _ form: CompactTensor.Form, _ rest: inout Data, name: String
    ) throws -> FileTensor {
        guard let count = ElementType.float32.byteCount(of: tensor.shape), 0...rest.count ~= form.bytes,
            let floats = CompactTensor.values(rest.prefix(form.bytes), form: form, count: count / 4)
        else {
            throw FormatError(
                file: name, offset: rest.startIndex,
                found: "a compact tensor \(tensor.name) of shape \(tensor.shape) in \(form.bytes) bytes",
                expected: "as many numbers as its header says, in at most \(rest.count) bytes")
        }
        rest = rest.dropFirst(form.bytes)
        return FileTensor(name: tensor.name, shape: tensor.shape, floats: floats)
    }

    /// The bytes of a checkpoint of `classifier`, with the state of training if one is given.
    static func encode(
        _ classifier: Classifier, training: TrainingState? = nil, settings: [String: String] = [:]
    ) throws -> Data {
        let network = classifier.network
        var tensors = network.parameters.map { Header.Tensor(name: $0.name, shape: $0.shape) }
        var values = network.parameters.map { network.values(of: $0) }
        let constraints = classifier.constraints
        let compact = values.indices.map {
            constraints.contains(tensors[$0].name) ? CompactTensor(values[$0]) : nil
        }
        for (index, tensor) in compact.enumerated() { tensors[index].form = tensor?.form }
        func add(_ block: [[Float]], named prefix: String) {
            tensors += network.trainedParameters.map {
                Header.Tensor(name: prefix + $0.name, shape: $0.shape)
            }
            values += block
        }
        if let raw = training?.raw { add(raw, named: rawPrefix) }
        for (index, block) in (training?.blocks ?? []).enumerated() {
            add(block, named: statePrefix(index))
        }
        let preprocessing = classifier.preprocessing
        if let whitening = preprocessing.whitening {
            tensors += zip(whiteningNames, whitening.tensors).map { Header.Tensor(name: $0, shape: $1.shape) }
            values += whitening.tensors.map(\.floats)
        }
        let header = Header(
            model: classifier.modelName, input: preprocessing.input.extents,
            image: preprocessing.image == preprocessing.input ? nil : preprocessing.image.extents,
            classNames: classifier.classNames, normalization: preprocessing.normalization,
            whitening: preprocessing.whitening?.summary, tensors: tensors,
            training: training.map {
                Header.Training(
                    progress: $0.progress, history: $0.history, optimizer: $0.optimizer,
                    stateCount: $0.blocks.count, isAveraged: $0.raw.map { _ in true }, settings: settings)
            }, constraints: constraints.isEmpty ? nil : constraints)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let json = try encoder.encode(header)

        var bytes = magic
        func append(_ number: UInt32) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        // What an older reader would leave out and yet answer.
        let isPlain = constraints.isEmpty && preprocessing.whitening == nil
        append(isPlain ? versions.lowerBound : versions.upperBound)
        append(UInt32(json.count))
        bytes.append(json)
        for (index, tensor) in values.enumerated() {
            if index < compact.count, let compact = compact[index] {
                bytes.append(compact.bytes)
            } else {
                tensor.map(\.bitPattern.littleEndian).withUnsafeBytes { bytes.append(contentsOf: $0) }
            }
        }
        append(CRC32.checksum(bytes))
        return bytes
    }
}

extension Whitening {
    /// The mean image, `[channels, height, width]`, and the matrix.
    var tensors: [FileTensor] {
        [
            FileTensor(name: "mean", shape: [input.channels, input.height, input.width], floats: mean),
            FileTensor(name: "matrix", shape: [input.count, input.count], floats: matrix),
        ]
    }
}

extension Shape {
    fileprivate var extents: [Int] { [height, width, channels] }
}
