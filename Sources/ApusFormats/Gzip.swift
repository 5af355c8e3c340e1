import CZlib
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
        var inflater = try Inflater(input: bytes, name: name)
        var output = Data(count: min(count, max(4 * bytes.count, 1 << 16)))
        var produced = 0
        while produced < count, !inflater.isAtEnd {
            if produced == output.count { output.count = min(count, 2 * produced) }
            produced += try output.withUnsafeMutableBytes { try inflater.step(into: $0[produced...]) }
        }
        output.count = produced
        return output
    }

    /// One pass of zlib over a file held in memory.
    private struct Inflater: ~Copyable {
        private let input: Data
        private let name: String
        private var consumed = 0
        private(set) var isAtEnd = false
        /// At a fixed address, since zlib refuses a stream that has moved.
        private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

        init(input: Data, name: String) throws {
            self.input = input
            self.name = name
            stream.initialize(to: z_stream())
            let gzipAlone: Int32 = 16 + MAX_WBITS
            let size = Int32(MemoryLayout<z_stream>.size)
            guard inflateInit2_(stream, gzipAlone, ZLIB_VERSION, size) == Z_OK else {
                throw failure(found: "no memory to decompress in", expected: "32 KiB for zlib's window")
            }
        }

        deinit {
            inflateEnd(stream)
            stream.deallocate()
        }

        /// Decompresses into the beginning of `output`, which is not empty, and returns the bytes written.
        mutating func step(into output: Slice<UnsafeMutableRawBufferPointer>) throws -> Int {
            let output = UnsafeMutableRawBufferPointer(rebasing: output)
            let space = UInt32(clamping: output.count)
            stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = space
            let available = UInt32(clamping: input.count - consumed)
            let status = input.withUnsafeBytes { bytes in
                let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.next_in = UnsafeMutablePointer(mutating: base)?.advanced(by: consumed)
                stream.pointee.avail_in = available
                return inflate(stream, Z_NO_FLUSH)
            }
            consumed += Int(available - stream.pointee.avail_in)
            switch status {
            case Z_OK: break
            case Z_STREAM_END: try finish()
            case Z_BUF_ERROR:
                throw failure(found: "the end of the file", expected: "the rest of the compressed data")
            default:
                let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
                throw failure(found: "damaged data (\(reason))", expected: "compressed data and its checksum")
            }
            return Int(space - stream.pointee.avail_out)
        }

        private mutating func finish() throws {
            isAtEnd = true
            let rest = input.dropFirst(consumed)
            guard rest.isEmpty else {
                let found = Gzip.isGzip(rest) ? "a second gzip member" : "\(rest.count) bytes more"
                throw failure(found: found, expected: "the end of the file")
            }
        }

        private func failure(found: String, expected: String) -> FormatError {
            FormatError(file: name, offset: consumed, found: found, expected: expected)
        }
    }

    private static func hex(_ bytes: some Sequence<UInt8>) -> String {
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
        return digits.isEmpty ? "no bytes" : digits.joined(separator: " ")
    }
}
