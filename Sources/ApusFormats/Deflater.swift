import CZlib
import Foundation

/// Compresses bytes held in memory (Deutsch, 1996, RFC 1951), at zlib's default level.
enum Deflater {
    /// `contents` compressed, with nothing around them; nil where there is no memory for it.
    static func compress(_ contents: Data) -> Data? {
        // At a fixed address, since zlib refuses a stream that has moved.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        // A window of 32 KiB without a wrapping, and zlib's default memory.
        let opened = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard opened == Z_OK else { return nil }
        defer { deflateEnd(stream) }

        var output = Data(count: Int(deflateBound(stream, UInt(contents.count))))
        var (consumed, produced) = (0, 0)
        var status = Z_OK
        while status == Z_OK {
            let available = UInt32(clamping: contents.count - consumed)
            let space = UInt32(clamping: output.count - produced)
            status = contents.withUnsafeBytes { input in
                output.withUnsafeMutableBytes { output in
                    let from = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    let to = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: from)?.advanced(by: consumed)
                    stream.pointee.avail_in = available
                    stream.pointee.next_out = to?.advanced(by: produced)
                    stream.pointee.avail_out = space
                    let isLast = Int(available) == contents.count - consumed
                    return deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
                }
            }
            consumed += Int(available - stream.pointee.avail_in)
            produced += Int(space - stream.pointee.avail_out)
        }
        guard status == Z_STREAM_END else { return nil }
        output.count = produced
        return output
    }
}
