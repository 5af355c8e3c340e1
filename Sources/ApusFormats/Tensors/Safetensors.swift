import Foundation

/// Reads and writes safetensors files: the length of a header as a little-endian 64-bit integer, the header in
/// JSON, and the elements of all tensors without gaps.
///
/// The header maps each tensor's name to `dtype`, `shape` and `data_offsets` (the first byte of its elements
/// and the one after the last, counted from the header's end), and `__metadata__` to texts by name.
public enum Safetensors {
    /// The longest header that readers allow.
    private static let headerLimit = 100_000_000
    private static let metadataKey = "__metadata__"

    /// Reads the file at `url`, the elements mapped into memory: they are read from disk where they are used,
    /// and the file must not be changed in place meanwhile.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is not what the format says.
    public static func read(_ url: URL) throws -> TensorFile {
        try decode(WholeFile.mapped(url), name: url.path)
    }

    /// The tensors of a whole file in the header's order, their elements parts of `bytes`.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The file's name in errors.
    /// - Throws: `FormatError` for everything the format forbids: names that come twice, unknown types, sizes
    ///   that contradict shapes, elements that overlap or leave gaps, and bytes that belong to no tensor.
    public static func decode(_ bytes: Data, name: String) throws -> TensorFile {
        let header = try headerText(of: bytes, name: name)
        let values = bytes[header.endIndex...]
        var scanner = HeaderScanner(header, file: name, startingAt: 8)
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        var names: Set<String> = []
        try scanner.object { scanner, key in
            guard names.insert(key).inserted else {
                throw scanner.failure(found: "\(key) a second time", expected: "names that differ")
            }
            if key == metadataKey {
                metadata = try readMetadata(&scanner)
            } else {
                entries.append(try Entry(name: key, &scanner))
            }
        }
        try scanner.requireEnd()

        var end = 0
        for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
            guard entry.begin == end else {
                throw FormatError(
                    file: name, offset: entry.offset,
                    found: "\(entry.name) at \(entry.begin) of the elements",
                    expected: "it at \(end), where the one before ends")
            }
            end = entry.end
        }
        guard values.count == end else {
            throw FormatError(
                file: name, offset: header.endIndex - bytes.startIndex,
                found: "\(values.count) bytes of elements", expected: "\(end), as the header says")
        }
        return TensorFile(
            entries.map { entry in
                FileTensor(
                    name: entry.name, shape: entry.shape, elementType: entry.elementType,
                    bytes: values[values.startIndex + entry.begin..<values.startIndex + entry.end])
            }, metadata: metadata)
    }

    /// Whether a file begins as one of safetensors does: with a length that it can hold, and a bracket.
    static func isPlausible(_ bytes: Data) -> Bool {
        (try? headerText(of: bytes, name: "")) != nil
    }

    /// The header of a file, between its length and the elements.
    private static func headerText(of bytes: Data, name: String) throws -> Data {
        guard bytes.count >= 8 else {
            throw FormatError(
                file: name, offset: 0, found: "\(bytes.count) bytes",
                expected: "a safetensors file, which begins with 8 bytes for the length of its header")
        }
        let length = bytes.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let limit = min(headerLimit, bytes.count - 8)
        guard length <= limit else {
            throw FormatError(
                file: name, offset: 0, found: "a header of \(length) bytes", expected: "at most \(limit)")
        }
        let header = bytes.dropFirst(8).prefix(Int(length))
        guard header.first == UInt8(ascii: "{") else {
            throw FormatError(
                file: name, offset: 8, found: "a header that does not begin with {",
                expected: "the header of a safetensors file")
        }
        return header
    }

    private static func readMetadata(_ scanner: inout HeaderScanner) throws -> [String: String] {
        var metadata: [String: String] = [:]
        try scanner.object { scanner, key in
            guard metadata.updateValue(try scanner.string(), forKey: key) == nil else {
                throw scanner.failure(found: "\(key) a second time", expected: "names that differ")
            }
        }
        return metadata
    }

    /// The bytes of a file of these tensors.
    ///
    /// The header lists them in the given order. Their elements lie with the wider types first, otherwise in
    /// the given order too, so that every tensor begins at a multiple of its elements' size.
    ///
    /// - Throws: `TensorFileError` where names are not distinct or not free, or the header is beyond the
    ///   format's limit.
    public static func encode(_ file: TensorFile) throws -> Data {
        let (head, tensors) = try layout(of: file)
        return tensors.reduce(into: head) { $0.append($1.bytes) }
    }

    /// Replaces the file at `url`, or creates it, whole or not at all; the bytes are those of `encode`.
    ///
    /// - Throws: `TensorFileError` as `encode`; `FileError` where it cannot be written.
    public static func write(_ file: TensorFile, to url: URL) throws {
        let (head, tensors) = try layout(of: file)
        try AtomicFile.replace(url) { descriptor in
            try AtomicFile.write(head, to: descriptor, path: url.path)
            for tensor in tensors {
                try AtomicFile.write(tensor.bytes, to: descriptor, path: url.path)
            }
        }
    }

    /// What comes before the elements, and the tensors in the order of their elements.
    private static func layout(of file: TensorFile) throws -> (head: Data, tensors: [FileTensor]) {
        try file.requireDistinctNames()
        guard file[metadataKey] == nil else { throw TensorFileError.reservedName(metadataKey) }
        let widths = Set(file.tensors.map(\.elementType.byteCount)).sorted(by: >)
        let order = widths.flatMap { width in
            file.tensors.indices.filter { file.tensors[$0].elementType.byteCount == width }
        }
        var begins = Array(repeating: 0, count: file.tensors.count)
        var end = 0
        for index in order {
            begins[index] = end
            end += file.tensors[index].bytes.count
        }

        var header = Data(try headerText(of: file, begins: begins).utf8)
        // Spaces, so that the elements begin at a multiple of the widest type.
        header += Data(repeating: 0x20, count: (8 - header.count % 8) % 8)
        guard header.count <= headerLimit else {
            throw TensorFileError.headerTooLong(bytes: header.count, limit: headerLimit)
        }
        let length = Data((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
        return (length + header, order.map { file.tensors[$0] })
    }

    private static func headerText(of file: TensorFile, begins: [Int]) throws -> String {
        func quoted(_ text: String) throws -> String {
            String(decoding: try JSONEncoder.forLines.encode(text), as: UTF8.self)
        }
        var members: [String] = []
        if !file.metadata.isEmpty {
            let texts = try file.metadata.sorted { $0.key < $1.key }
                .map { "\(try quoted($0.key)):\(try quoted($0.value))" }
            members.append("\"\(metadataKey)\":{\(texts.joined(separator: ","))}")
        }
        for (tensor, begin) in zip(file.tensors, begins) {
            let shape = tensor.shape.map(String.init).joined(separator: ",")
            members.append(
                "\(try quoted(tensor.name)):{\"dtype\":\"\(tensor.elementType.safetensorsName)\","
                    + "\"shape\":[\(shape)],\"data_offsets\":[\(begin),\(begin + tensor.bytes.count)]}")
        }
        return "{\(members.joined(separator: ","))}"
    }
}

/// What a header says of a tensor.
private struct Entry {
    let name: String
    /// Where in the file the entry is.
    let offset: Int
    let elementType: ElementType
    let shape: [Int]
    let begin: Int
    let end: Int

    /// Reads what follows the name, and checks that the bytes are as many as shape and type say.
    init(name: String, _ scanner: inout HeaderScanner) throws {
        let offset = scanner.offset
        var type: ElementType?
        var shape: [Int]?
        var offsets: [Int]?
        try scanner.object { scanner, key in
            let isFirst: Bool
            switch key {
            case "dtype":
                isFirst = type == nil
                type = try Self.elementType(of: name, &scanner)
            case "shape":
                isFirst = shape == nil
                shape = try scanner.wholeNumbers()
            case "data_offsets":
                isFirst = offsets == nil
                offsets = try scanner.wholeNumbers()
            default:
                throw scanner.failure(
                    found: "\(key) of \(name)", expected: "dtype, shape and data_offsets alone")
            }
            guard isFirst else {
                throw scanner.failure(found: "\(key) of \(name) a second time", expected: "it once")
            }
        }
        guard let type, let shape, let offsets else {
            let missing = type == nil ? "dtype" : shape == nil ? "shape" : "data_offsets"
            throw scanner.failure(at: offset, found: "\(name) without \(missing)", expected: "it")
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw scanner.failure(
                at: offset, found: "the data_offsets \(offsets) of \(name)",
                expected: "a beginning and an end")
        }
        guard let bytes = type.byteCount(of: shape), bytes == offsets[1] - offsets[0] else {
            throw scanner.failure(
                at: offset, found: "\(offsets[1] - offsets[0]) bytes for \(name)",
                expected: "as many as \(shape) of \(type.safetensorsName) takes")
        }
        self.name = name
        self.offset = offset
        elementType = type
        self.shape = shape
        (begin, end) = (offsets[0], offsets[1])
    }

    private static func elementType(of name: String, _ scanner: inout HeaderScanner) throws -> ElementType {
        let offset = scanner.offset
        let text = try scanner.string()
        guard let type = ElementType.allCases.first(where: { $0.safetensorsName == text }) else {
            let known = ElementType.allCases.map(\.safetensorsName).joined(separator: ", ")
            throw scanner.failure(
                at: offset, found: "the type \(text) of \(name)", expected: "one of \(known)")
        }
        return type
    }
}

extension ElementType {
    fileprivate var safetensorsName: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .int64: "I64"
        case .int32: "I32"
        case .int16: "I16"
        case .int8: "I8"
        case .uint8: "U8"
        case .bool: "BOOL"
        }
    }
}
