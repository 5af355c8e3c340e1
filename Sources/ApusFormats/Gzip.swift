import Foundation

/// Reads gzip files of one member (Deutsch, 1996, RFC 1952, "GZIP file format specification").
///
/// **Deviations.** The RFC lets a file hold several members in a row; datasets do not, so a second member is
/// refused like any other trailing byte.
public enum Gzip {
    private static let magic: [UInt8] = [0x1F, 0x8B]

    /// Whether `bytes` begin as a gzip file does.
    public static func isGzip(_ bytes: Data) -> Bool { bytes.starts(with: magic) }

    /// The decompressed contents of a gzip file, its checksum and length verified.
    ///
    /// Memory follows what the file really holds: at most twice that, and never more than `limit` bytes plus
    /// one, however large.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The file's name in errors.
    ///   - limit: The most bytes to return.
    /// - Throws: `FormatError` where the file is not gzip, truncated, corrupt, followed by other bytes, or
    ///   larger than `limit` when decompressed.
    public static func decompress(_ bytes: Data, name: String, limit: Int) throws -> Data {
        let contents = try prefix(bytes, name: name, count: limit == .max ? limit : limit + 1)
        guard contents.count <= limit else {
            throw FormatError(
                file: name, offset: bytes.count, found: "more than \(limit) bytes when decompressed",
                expected: "at most \(limit)")
        }
        return contents
    }

    /// The first `count` bytes of the decompressed contents, or all of them where they are fewer.
    ///
    /// The checksum and the file's end are verified only where the contents are fewer than `count` bytes.
    ///
    /// - Throws: `FormatError` where the file is not gzip, or truncated, corrupt or followed by other bytes
    ///   before `count` bytes are out.
    package static func prefix(_ bytes: Data, name: String, count: Int) throws -> Data {
        precondition(count >= 0, "the size of a prefix is not negative")
        guard isGzip(bytes) else {
            throw FormatError(
                file: name, offset: 0, found: hex(bytes.prefix(2)),
                expected: "\(hex(magic)), the mark of gzip")
        }
        var inflater = try Inflater(bytes, wrapping: .gzip, file: name, offset: 0, part: "the file")
        let contents = try inflater.contents(upTo: count)
        let rest = inflater.rest
        if inflater.isAtEnd, !rest.isEmpty {
            let found = isGzip(rest) ? "a second gzip member" : "\(rest.count) bytes more"
            throw inflater.failure(found: found, expected: "the end of the file")
        }
        return contents
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return digits.isEmpty ? "no bytes" : digits.joined(separator: " ")
    }
}
