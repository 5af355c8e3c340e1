import Foundation

/// Reads a file at once.
package enum WholeFile {
    /// The contents of the file at `url`.
    ///
    /// - Throws: `FileError` where the file cannot be opened or read, a folder included.
    package static func contents(of url: URL) throws -> Data {
        func failure(_ operation: FileError.Operation) -> FileError {
            FileError(path: url.path, operation: operation, code: errno)
        }
        let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.open) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(.read) }

        // One byte of room beyond the size, so that the end is seen without growing.
        var contents = Data(count: max(Int(status.st_size), 0) + 1)
        var count = 0
        while true {
            if count == contents.count { contents.count += max(count, 1 << 16) }
            // More than 2 GiB at once is an error on some systems.
            let received = contents.withUnsafeMutableBytes { buffer in
                read(descriptor, buffer.baseAddress?.advanced(by: count), min(buffer.count - count, 1 << 30))
            }
            if received < 0 && errno == EINTR { continue }
            guard received >= 0 else { throw failure(.read) }
            if received == 0 { break }
            count += received
        }
        contents.count = count
        return contents
    }
}
