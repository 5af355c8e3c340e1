import Foundation

/// Reads zip archives held in memory (PKWARE, "APPNOTE.TXT - .ZIP File Format Specification"), 64-bit sizes
/// included.
///
/// **Deviations.** Entries are stored or deflated. Archives that two readers could understand differently are
/// refused: with two entries of one name, overlapping entries, or headers that contradict each other.
public struct ZipArchive: Sendable {
    /// A file in the archive.
    public struct Entry: Sendable, Equatable {
        /// The path in the archive: `model/data.pkl`.
        public let name: String
        /// Bytes of the contents.
        public let size: Int
        /// Bytes that the contents take in the archive.
        public let compressedSize: Int
        let isDeflated: Bool
        let checksum: UInt32
        /// Where the header before the contents begins, and where they themselves do.
        let headerOffset: Int
        let offset: Int
    }

    /// The entries in the order of the archive's directory.
    public let entries: [Entry]

    private let bytes: Data
    private let name: String

    /// Reads the directory of an archive; contents are read when asked for.
    ///
    /// - Parameters:
    ///   - bytes: The whole archive, perhaps a mapped file.
    ///   - name: The archive's name in errors.
    ///   - limit: The most bytes that all entries may hold together; nil for 64 MiB, or 32 times the archive
    ///     where that is more.
    /// - Throws: `FormatError`, which names the entry where it is about one.
    public init(_ bytes: Data, name: String, limit: Int? = nil) throws {
        let directory = try ZipDirectory(of: bytes, file: name)
        let limit = limit ?? max(1 << 26, 32 * bytes.count)
        var reader = ByteReader(
            bytes.dropFirst(directory.offset).prefix(directory.size), file: name, base: directory.offset,
            part: "the central directory")
        var entries: [Entry] = []
        var names: Set<String> = []
        var total = 0
        for _ in 0..<directory.count {
            let start = reader
            let entry = try Self.entry(from: &reader, in: bytes.prefix(directory.offset), file: name)
            guard names.insert(entry.name).inserted else {
                throw start.failure(found: "a second entry '\(entry.name)'", expected: "different names")
            }
            guard entry.size <= limit - total else {
                throw start.failure(
                    found: "entry '\(entry.name)' of \(entry.size) bytes after \(total) bytes in others",
                    expected: "at most \(limit) bytes in all")
            }
            total += entry.size
            entries.append(entry)
        }
        guard reader.remaining == 0 else {
            throw reader.failure(
                found: "\(reader.remaining) bytes more",
                expected: "the end of a central directory of \(directory.count) entries")
        }
        try Self.requireApart(entries, file: name)
        self.entries = entries
        self.bytes = bytes
        self.name = name
    }

    /// The contents of an entry of this archive, their checksum verified.
    ///
    /// Stored contents are a part of the archive's own bytes; compressed ones take memory as they arrive.
    ///
    /// - Throws: `FormatError` where they are damaged, or more or fewer than the entry's size.
    public func contents(of entry: Entry) throws -> Data {
        var reader = ByteReader(bytes.dropFirst(entry.offset), file: name, base: entry.offset)
        let start = reader
        var contents = try reader.take(entry.compressedSize)
        if entry.isDeflated {
            var inflater = try Inflater(
                contents, wrapping: .none, file: name, offset: entry.offset, part: "entry '\(entry.name)'")
            contents = try inflater.contents(upTo: entry.size + 1)
            guard contents.count == entry.size, inflater.isAtEnd, inflater.rest.isEmpty else {
                let isLonger = contents.count > entry.size
                throw inflater.failure(
                    found: isLonger
                        ? "more than \(entry.size) bytes in entry '\(entry.name)'"
                        : "\(contents.count) bytes in entry '\(entry.name)'",
                    expected: "\(entry.size) bytes, compressed to \(entry.compressedSize)")
            }
        }
        let checksum = CRC32.checksum(contents)
        guard checksum == entry.checksum else {
            throw start.failure(
                found: "contents of entry '\(entry.name)' with the checksum \(checksum)",
                expected: "the checksum \(entry.checksum)")
        }
        return contents
    }

    /// Reads an entry's header in the directory and its twin before the contents, which lies in `bytes`.
    private static func entry(from reader: inout ByteReader, in bytes: Data, file: String) throws -> Entry {
        let start = reader
        guard try reader.integer(UInt32.self) == 0x0201_4B50 else {
            throw start.failure(found: "other bytes", expected: "the header of an entry")
        }
        _ = try reader.take(4)
        let flags: UInt16 = try reader.integer()
        let method: UInt16 = try reader.integer()
        _ = try reader.take(4)
        let checksum: UInt32 = try reader.integer()
        let narrow = (
            compressedSize: try reader.integer(UInt32.self), size: try reader.integer(UInt32.self)
        )
        let nameSize = Int(try reader.integer(UInt16.self))
        let extraSize = Int(try reader.integer(UInt16.self))
        let commentSize = Int(try reader.integer(UInt16.self))
        let disk: UInt16 = try reader.integer()
        _ = try reader.take(6)
        let narrowOffset: UInt32 = try reader.integer()
        let name = try reader.text(nameSize)
        var wide = try wideFields(
            of: try reader.take(extraSize), file: file, offset: reader.offset - extraSize)
        _ = try reader.take(commentSize)

        func failure(_ found: String, _ expected: String) -> FormatError {
            start.failure(found: "entry '\(name)' \(found)", expected: expected)
        }
        /// A field of 32 bits, or its twin of 64 where all bits are set, if there is one.
        func widened(_ narrow: UInt32) throws -> Int {
            guard narrow == .max, wide.remaining > 0 else { return Int(narrow) }
            guard let value = Int(exactly: try wide.integer(UInt64.self)) else {
                throw failure("with a number of 64 bits", "one that fits a file")
            }
            return value
        }
        let size = try widened(narrow.size)
        let compressedSize = try widened(narrow.compressedSize)
        let headerOffset = try widened(narrowOffset)

        // Bits 0, 6 and 13 are ways to encrypt, bit 5 is patched data.
        if flags & 0x2041 != 0 { throw failure("that is encrypted", "one that is not") }
        if flags & 0x20 != 0 { throw failure("that patches another", "whole contents") }
        guard method == 0 || method == 8 else {
            throw failure("compressed by method \(method)", "method 0 (stored) or 8 (deflated)")
        }
        guard disk == 0 || disk == .max else { throw failure("on another disk", "an archive in one file") }
        let isDeflated = method == 8
        // Deflate makes at most 258 bytes of two bits.
        guard isDeflated ? size / 1032 <= compressedSize : size == compressedSize else {
            throw failure(
                "of \(size) bytes in \(compressedSize)", isDeflated ? "at most 1032 in each" : "as many")
        }
        let offset = try contentsOffset(
            after: headerOffset, in: bytes, file: file, name: name,
            matching: (method, checksum, compressedSize, size))
        guard compressedSize <= bytes.count - offset else {
            throw failure(
                "of \(compressedSize) bytes from byte \(offset)", "one that ends before byte \(bytes.count)")
        }
        return Entry(
            name: name, size: size, compressedSize: compressedSize, isDeflated: isDeflated,
            checksum: checksum, headerOffset: headerOffset, offset: offset)
    }

    /// Reads the header before an entry's contents, and returns where it ends.
    private static func contentsOffset(
        after headerOffset: Int, in bytes: Data, file: String, name: String,
        matching directory: (method: UInt16, checksum: UInt32, compressedSize: Int, size: Int)
    ) throws -> Int {
        var reader = ByteReader(
            bytes.dropFirst(headerOffset), file: file, base: headerOffset, part: "the entries")
        let start = reader
        guard try reader.integer(UInt32.self) == 0x0403_4B50 else {
            throw start.failure(found: "other bytes", expected: "the header of entry '\(name)'")
        }
        _ = try reader.take(2)
        let flags: UInt16 = try reader.integer()
        let method: UInt16 = try reader.integer()
        _ = try reader.take(4)
        let checksum: UInt32 = try reader.integer()
        let compressedSize: UInt32 = try reader.integer()
        let size: UInt32 = try reader.integer()
        let nameSize = Int(try reader.integer(UInt16.self))
        let extraSize = Int(try reader.integer(UInt16.self))
        // With bit 3 checksum and sizes follow the contents; a size of all bits has a twin of 64.
        let isComplete = flags & 8 == 0
        let sameContents =
            checksum == directory.checksum
            && (compressedSize == .max || Int(compressedSize) == directory.compressedSize)
            && (size == .max || Int(size) == directory.size)
        guard method == directory.method, sameContents || !isComplete,
            try reader.take(nameSize).elementsEqual(name.utf8)
        else {
            throw start.failure(
                found: "a header that contradicts the directory", expected: "that of entry '\(name)'")
        }
        _ = try reader.take(extraSize)
        return reader.offset
    }

    /// The field of 64-bit sizes among the extra fields of a header; empty where there is none.
    private static func wideFields(of extra: Data, file: String, offset: Int) throws -> ByteReader {
        var reader = ByteReader(extra, file: file, base: offset, part: "the extra fields")
        // Less than the beginning of a field is padding.
        while reader.remaining >= 4 {
            let kind: UInt16 = try reader.integer()
            let size = Int(try reader.integer(UInt16.self))
            let start = reader.offset
            let field = try reader.take(size)
            if kind == 1 { return ByteReader(field, file: file, base: start, part: "the 64-bit sizes") }
        }
        return ByteReader(Data(), file: file, base: reader.offset)
    }

    private static func requireApart(_ entries: [Entry], file: String) throws {
        let sorted = entries.sorted { $0.headerOffset < $1.headerOffset }
        for (entry, next) in zip(sorted, sorted.dropFirst())
        where entry.offset + entry.compressedSize > next.headerOffset {
            throw FormatError(
                file: file, offset: next.headerOffset,
                found: "entry '\(next.name)' inside entry '\(entry.name)'", expected: "entries apart")
        }
    }
}
