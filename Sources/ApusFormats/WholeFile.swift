import Foundation

/// Reads a file at once.
package enum WholeFile {
    /// The contents of the file at `url`.
    ///
    /// - Throws: `FileError` where the file cannot be opened or read, a folder included.
    package static func contents(of url: URL) throws -> Data {
        try withOpenFile(url) { try read($0, size: $1, path: url.path) }
    }

    /// The contents of the file at `url`, mapped: the system reads them from disk where they are used, and may
    /// drop them from memory at any time. What cannot be mapped is read.
    ///
    /// The file must not be cut short while its contents are in use. Replacing it, as `AtomicFile` does, is
    /// harmless, and what is changed in the contents is changed in memory alone.
    ///
    /// - Throws: As `contents(of:)`.
    package static func mapped(_ url: URL) throws -> Data {
        try withOpenFile(url) { descriptor, size in
            let protection = PROT_READ | PROT_WRITE
            guard size > 0, let base = mmap(nil, size, protection, MAP_PRIVATE, descriptor, 0),
                base != MAP_FAILED
            else { return try read(descriptor, size: size, path: url.path) }
            return Data(bytesNoCopy: base, count: size, deallocator: .unmap)
        }
    }

    /// Runs `body` with a descriptor of the file at `url` and the size the file says it has.
    private static func withOpenFile(_ url: URL, _ body: (Int32, Int) throws -> Data) throws -> Data {
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: url.path, operation: .open, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileError(path: url.path, operation: .read, code: errno)
        }
        return try body(descriptor, max(Int(status.st_size), 0))
    }

    private static func read(_ descriptor: Int32, size: Int, path: String) throws -> Data {
        // One byte of room beyond the size, so that the end is seen without growing.
        var contents = Data(count: size + 1)
        var count = 0
        while true {
            if count == contents.count { contents.count += max(count, 1 << 16) }
            let received = contents.withUnsafeMutableBytes { buffer in
                readSome(descriptor, into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            }
            if received < 0 && errno == EINTR { continue }
            guard received >= 0 else { throw FileError(path: path, operation: .read, code: errno) }
            if received == 0 { break }
            count += received
        }
        contents.count = count
        return contents
    }
}

/// The system's `read`, which may read less than there is; outside the type, whose `read` would hide it.
private func readSome(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Int {
    // More than 2 GiB at once is an error on some systems.
    read(descriptor, buffer.baseAddress, min(buffer.count, 1 << 30))
}
