import ApusFormats
import Foundation

/// A file that grows until it is whole, in the hands of one process.
final class PartialFile {
    private let path: String
    private let descriptor: Int32
    private var hash = SHA256()
    private var isFinished = false
    /// Bytes that are there.
    private(set) var count = 0

    /// Takes up what is there, or begins.
    ///
    /// - Throws: `DownloadError.inUse` where another process has it, `FileError` where it cannot be written.
    init(path: String) throws {
        self.path = path
        descriptor = try Self.locked(path)
        try readAll()
    }

    deinit { close(descriptor) }

    /// The file of that name, which nobody else has; made where there is none.
    private static func locked(_ path: String) throws -> Int32 {
        while true {
            let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw FileError(path: path, operation: .create, code: errno) }
            // File systems that know no locks fail in other ways, and keep nobody from fetching.
            if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
                close(descriptor)
                throw DownloadError.inUse(path: path)
            }
            // Whoever had it before may have given it its last name meanwhile.
            var (ours, named) = (stat(), stat())
            if fstat(descriptor, &ours) == 0, stat(path, &named) == 0, ours.st_ino == named.st_ino,
                ours.st_dev == named.st_dev
            {
                return descriptor
            }
            close(descriptor)
        }
    }

    /// Leaves nothing behind where nothing came.
    func removeIfEmpty() {
        if count == 0 && !isFinished { unlink(path) }
    }

    /// The SHA-256 of what is there.
    var digest: String { hash.digest }

    private func readAll() throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let received = read(descriptor, &buffer, buffer.count)
            if received < 0 && errno == EINTR { continue }
            try check(received < 0 ? -1 : 0, .read)
            if received == 0 { return }
            hash.update(buffer.prefix(received))
            count += received
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        let data = Data(bytes)
        try AtomicFile.write(data, to: descriptor, path: path)
        hash.update(data)
        count += data.count
    }

    /// Begins anew.
    func empty() throws {
        try check(ftruncate(descriptor, 0), .write)
        hash = SHA256()
        count = 0
    }

    /// Gives the file its name, so that it survives a power cut.
    func finish(as target: String) throws {
        try check(fsync(descriptor), .synchronize)
        try check(rename(path, target), .replace)
        isFinished = true
        try AtomicFile.synchronize(folder: URL(fileURLWithPath: target).deletingLastPathComponent().path)
    }

    private func check(_ result: Int32, _ operation: FileError.Operation) throws {
        guard result == 0 else { throw FileError(path: path, operation: operation, code: errno) }
    }
}
