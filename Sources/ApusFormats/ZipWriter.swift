import Foundation

/// Writes a zip archive entry by entry (PKWARE, "APPNOTE.TXT - .ZIP File Format Specification").
///
///     try AtomicFile.replace(url) { descriptor in
///         var archive = ZipWriter(name: url.path) { try AtomicFile.write($0, to: descriptor, path: url.path) }
///         try archive.add("weight.npy", contents, compressed: true)
///         try archive.finish()
///     }
///
/// Equal contents give equal archives: every entry is dated 1980-01-01, the format's first day.
///
/// **Deviations.** No 64-bit sizes: an archive ends before 4 GiB.
package struct ZipWriter {
    /// What all headers of an entry say alike.
    private struct Header {
        let name: Data
        let method: UInt16
        let checksum: UInt32
        let compressedSize: UInt32
        let size: UInt32
        let offset: UInt32
    }

    /// The most bytes of an archive: 32 bits, all set, mean something else.
    package static let largestSize = 0xFFFF_FFFE
    private static let localHeaderSize = 30
    private static let directoryHeaderSize = 46
    private static let endSize = 22
    /// The contents need a reader of version 2.0 (deflate) of the specification.
    private static let version: UInt16 = 20
    /// Names are UTF-8.
    private static let flags: UInt16 = 1 << 11
    private static let time: UInt16 = 0
    private static let date: UInt16 = 1 << 5 | 1

    private let name: String
    private let limit: Int
    private let write: (Data) throws -> Void
    private var headers: [Header] = []
    private var names: Set<String> = []
    /// Bytes written so far, and those that the directory will take.
    private var offset = 0
    private var directorySize = 0

    /// - Parameters:
    ///   - name: The archive's name in errors.
    ///   - limit: The most bytes of the archive.
    ///   - write: Receives the archive's bytes, piece by piece.
    package init(
        name: String, limit: Int = largestSize, to write: @escaping (Data) throws -> Void
    ) {
        precondition(limit <= Self.largestSize, "an archive beyond 4 GiB needs 64-bit sizes")
        self.name = name
        self.limit = limit
        self.write = write
    }

    /// Writes an entry.
    ///
    /// - Throws: `FormatError` where the name is taken or the archive would be too large for the format; whatever
    ///   `write` throws.
    package mutating func add(_ entry: String, _ contents: Data, compressed: Bool = false) throws {
        guard names.insert(entry).inserted else {
            throw failure("a second entry '\(entry)'", "different names")
        }
        let path = Data(entry.utf8)
        guard path.count <= UInt16.max, headers.count < Int(UInt16.max) - 1 else {
            throw failure(
                "entry \(headers.count + 1) with a name of \(path.count) bytes",
                "at most \(UInt16.max - 1) entries with names of at most \(UInt16.max) bytes")
        }
        guard let stored = compressed ? Deflater.compress(contents) : contents else {
            throw failure("no memory to compress entry '\(entry)'", "as much as its contents take")
        }
        // What the entry, the directory with it and the end leave of the archive.
        let headersSize = Self.localHeaderSize + Self.directoryHeaderSize + 2 * path.count
        let room = limit - offset - directorySize - headersSize - Self.endSize
        guard max(contents.count, stored.count) <= room else {
            throw failure(
                "entry '\(entry)' of \(contents.count) bytes", "an archive of at most \(limit) bytes")
        }
        let header = Header(
            name: path, method: compressed ? 8 : 0, checksum: CRC32.checksum(contents),
            compressedSize: UInt32(stored.count), size: UInt32(contents.count), offset: UInt32(offset))
        var local = Data()
        local.append(fields: 0x0403_4B50 as UInt32)
        appendCommonFields(of: header, to: &local)
        local.append(path)
        try write(local)
        try write(stored)
        offset += local.count + stored.count
        directorySize += Self.directoryHeaderSize + path.count
        headers.append(header)
    }

    /// Writes the directory: the archive is then whole.
    ///
    /// - Throws: Whatever `write` throws.
    package func finish() throws {
        var end = Data()
        for header in headers {
            end.append(fields: 0x0201_4B50 as UInt32)
            end.append(fields: Self.version)
            appendCommonFields(of: header, to: &end)
            // No comment, the first disk, no attributes.
            end.append(fields: 0 as UInt16, 0 as UInt16, 0 as UInt16)
            end.append(fields: 0 as UInt32, header.offset)
            end.append(header.name)
        }
        end.append(fields: 0x0605_4B50 as UInt32)
        end.append(fields: 0, 0, UInt16(headers.count), UInt16(headers.count))
        end.append(fields: UInt32(directorySize), UInt32(offset))
        end.append(fields: 0 as UInt16)
        try write(end)
    }

    private func appendCommonFields(of header: Header, to data: inout Data) {
        data.append(fields: Self.version, Self.flags, header.method, Self.time, Self.date)
        data.append(fields: header.checksum, header.compressedSize, header.size)
        data.append(fields: UInt16(header.name.count), 0)
    }

    private func failure(_ found: String, _ expected: String) -> FormatError {
        FormatError(file: name, offset: offset, found: found, expected: expected)
    }
}
