import CZlib
import Foundation

/// One pass of zlib's decompression over bytes held in memory (Deutsch, 1996, RFC 1951, "DEFLATE compressed
/// data format specification").
struct Inflater: ~Copyable {
    /// What surrounds the compressed data.
    enum Wrapping: Int32 {
        /// Gzip's header before, its checksum and length behind.
        case gzip = 31
        case none = -15
    }

    private let input: Data
    private let file: String
    private let offset: Int
    private let part: String
    private var consumed = 0
    private(set) var isAtEnd = false
    /// At a fixed address, since zlib refuses a stream that has moved.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// `input` begins at byte `offset` of the file; errors call it `part`: "the file".
    init(_ input: Data, wrapping: Wrapping, file: String, offset: Int, part: String) throws {
        self.input = input
        self.file = file
        self.offset = offset
        self.part = part
        stream.initialize(to: z_stream())
        let size = Int32(MemoryLayout<z_stream>.size)
        guard inflateInit2_(stream, wrapping.rawValue, ZLIB_VERSION, size) == Z_OK else {
            throw failure(found: "no memory to decompress in", expected: "32 KiB for zlib's window")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// The input after the end of the compressed data.
    var rest: Data { input.dropFirst(consumed) }

    /// The next `count` bytes of the contents, or all of them where they are fewer.
    ///
    /// Memory follows what really arrives: at most twice that, and never more than `count` bytes, however
    /// large.
    mutating func contents(upTo count: Int) throws -> Data {
        var output = Data(count: min(count, max(4 * input.count, 1 << 16)))
        var produced = 0
        while produced < count, !isAtEnd {
            if produced == output.count { output.count = min(count, 2 * produced) }
            produced += try output.withUnsafeMutableBytes { try step(into: $0[produced...]) }
        }
        output.count = produced
        return output
    }

    /// Decompresses into the beginning of `output`, which is not empty, and returns the bytes written.
    private mutating func step(into output: Slice<UnsafeMutableRawBufferPointer>) throws -> Int {
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
        case Z_STREAM_END: isAtEnd = true
        case Z_BUF_ERROR:
            throw failure(found: "the end of \(part)", expected: "the rest of the compressed data")
        default:
            let reason = stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
            throw failure(found: "damaged data (\(reason))", expected: "\(part) as it was compressed")
        }
        return Int(space - stream.pointee.avail_out)
    }

    /// The error that says what was found at the byte the pass has reached.
    func failure(found: String, expected: String) -> FormatError {
        FormatError(file: file, offset: offset + consumed, found: found, expected: expected)
    }
}
