import Foundation

/// Reads tar archives (IEEE Std 1003.1, `pax`, the interchange format ustar): files one after the other, each behind
/// a header of 512 bytes, both filled up to a multiple of that.
public struct TarArchive: Sendable {
    /// A regular file.
    public struct Entry: Sendable {
        public let name: String
        /// The file's bytes, in the memory of the archive.
        public let contents: Data
    }

    private static let block = 512

    /// Folders, links and what else archives hold are left out.
    public let entries: [Entry]

    /// - Parameters:
    ///   - bytes: The whole archive, not compressed.
    ///   - name: The archive's name in errors.
    /// - Throws: `FormatError` where a header is none, or a file is cut short.
    public init(_ bytes: Data, name: String) throws {
        var entries: [Entry] = []
        var place = 0
        while place + Self.block <= bytes.count {
            let header = Array(bytes.dropFirst(place).prefix(Self.block))
            // An empty block ends the archive.
            guard header.contains(where: { $0 != 0 }) else { break }
            func failure(_ found: String, _ expected: String) -> FormatError {
                FormatError(file: name, offset: place, found: found, expected: expected)
            }
            let sum = header.indices.reduce(0) { $0 + (148..<156 ~= $1 ? 0x20 : Int(header[$1])) }
            guard Self.number(header[148..<156]) == sum else {
                throw failure("a header with another checksum", "that of its bytes, \(sum)")
            }
            guard let size = Self.number(header[124..<136]), size <= bytes.count - place - Self.block else {
                throw failure("a file that exceeds the archive", "its bytes")
            }
            let isFile = header[156] == UInt8(ascii: "0") || header[156] == 0
            if isFile {
                let (prefix, last) = (Self.text(header[345..<500]), Self.text(header[0..<100]))
                entries.append(
                    Entry(
                        name: prefix.isEmpty ? last : "\(prefix)/\(last)",
                        contents: bytes.dropFirst(place + Self.block).prefix(size)))
            }
            place += Self.block + (size + Self.block - 1) / Self.block * Self.block
        }
        self.entries = entries
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// A number in octal digits; nil where it is none.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        Int(text(field).trimmingCharacters(in: .whitespaces), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }
}
