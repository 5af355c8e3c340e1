import Foundation

/// A small reader of safetensors files, independent of the library's own: an 8-byte little-endian length, a
/// JSON header of that many bytes, then the values.
public struct SafetensorsFixture: Sendable {
    public struct Tensor: Sendable {
        public let shape: [Int]
        /// The values, exact: F32 and F64 as they are, I64 within 2^53.
        public let values: [Double]

        /// The values rounded to Float, which for F32 changes nothing.
        public var floats: [Float] { values.map { Float($0) } }
        public var integers: [Int] { values.map { Int($0) } }
    }

    public enum FormatError: Error, CustomStringConvertible {
        case malformed(file: String, reason: String)
        case missing(name: String, file: String)

        public var description: String {
            switch self {
            case .malformed(let file, let reason): "\(file): \(reason)"
            case .missing(let name, let file): "\(file): no tensor \(name)"
            }
        }
    }

    public let tensors: [String: Tensor]
    private let file: String

    private struct Entry: Decodable {
        let dtype: String
        let shape: [Int]
        let offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    /// - Throws: `FormatError`, or what reading the file throws.
    public init(contentsOf url: URL) throws {
        let data = try [UInt8](Data(contentsOf: url))
        file = url.lastPathComponent
        guard data.count >= 8 else { throw FormatError.malformed(file: file, reason: "shorter than 8 bytes") }
        let headerCount = Int(Self.word(data[0..<8]))
        guard headerCount <= data.count - 8 else {
            throw FormatError.malformed(file: file, reason: "header of \(headerCount) bytes exceeds the file")
        }
        let json = try JSONSerialization.jsonObject(with: Data(data[8..<8 + headerCount]))
        guard var header = json as? [String: Any] else {
            throw FormatError.malformed(file: file, reason: "the header is no object")
        }
        header["__metadata__"] = nil
        let entries = try JSONDecoder().decode(
            [String: Entry].self, from: JSONSerialization.data(withJSONObject: header))
        var tensors: [String: Tensor] = [:]
        for (name, entry) in entries {
            tensors[name] = try Self.tensor(entry, named: name, in: data[(8 + headerCount)...], file: file)
        }
        self.tensors = tensors
    }

    /// A file that `Tests/ApusModelsTests/Fixtures/generate.py` has written, by its name without extension.
    ///
    /// - Throws: As `init(contentsOf:)`.
    public init(named name: String) throws {
        try self.init(contentsOf: Self.directory.appending(path: "\(name).safetensors"))
    }

    /// Where the fixtures lie in the sources, for tests of any module.
    public static let directory = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ApusModelsTests/Fixtures")

    /// - Throws: `FormatError.missing` where the file has no such tensor.
    public func tensor(_ name: String) throws -> Tensor {
        guard let tensor = tensors[name] else { throw FormatError.missing(name: name, file: file) }
        return tensor
    }

    private static func tensor(
        _ entry: Entry, named name: String, in values: ArraySlice<UInt8>, file: String
    ) throws -> Tensor {
        guard let size = ["F32": 4, "F64": 8, "I64": 8][entry.dtype] else {
            throw FormatError.malformed(file: file, reason: "\(name) has the unknown type \(entry.dtype)")
        }
        let offsets = entry.offsets
        let bytes = entry.shape.reduce(size, *)
        guard offsets.count == 2, offsets[0] >= 0, offsets[1] <= values.count,
            offsets[1] - offsets[0] == bytes
        else { throw FormatError.malformed(file: file, reason: "\(name) has the offsets \(offsets)") }
        let start = values.startIndex + offsets[0]
        return Tensor(
            shape: entry.shape,
            values: stride(from: start, to: start + bytes, by: size).map { place in
                let word = word(values[place..<place + size])
                return switch entry.dtype {
                case "F32": Double(Float(bitPattern: UInt32(word)))
                case "F64": Double(bitPattern: word)
                default: Double(Int64(bitPattern: word))
                }
            })
    }

    /// The little-endian number in up to 8 bytes.
    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}
