import Foundation

/// Replaces files whole or not at all: whoever reads one sees the old contents or the new, even after a power
/// cut.
public enum AtomicFile {
    /// Replaces the contents of the file at `url`, or creates it.
    ///
    /// The data goes to a temporary file beside the target, is flushed to disk and renamed over it. A symbolic
    /// link is followed, and the permissions of an old file are kept.
    ///
    /// - Throws: `FileError` naming `url`, the operation and the system's reason. The old file is then whole
    ///   and the temporary file gone. Only where flushing the *folder* fails is the new file already in place.
    public static func write(_ data: Data, to url: URL) throws {
        try replace(url) { try write(data, to: $0, path: url.path) }
    }

    /// Finds out, before there is work to lose, whether a file can be written at `url`; what is there stays.
    ///
    /// - Throws: As `write(_:to:)`.
    package static func checkReplaceable(_ url: URL) throws {
        struct Unwritten: Error {}
        do {
            try replace(url) { _ in throw Unwritten() }
        } catch is Unwritten {}
    }

    /// As `write(_:to:)`, the contents written by `body` to the descriptor it receives.
    package static func replace(_ url: URL, writing body: (Int32) throws -> Void) throws {
        let path = url.path
        let target = URL(fileURLWithPath: destination(of: path))
        let folder = target.deletingLastPathComponent().path
        let permissions = try permissionsOfReplaceableFile(at: path)

        let temporary = "\(folder)/\(temporaryPrefix(of: target))\(UUID().uuidString)\(temporarySuffix)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FileError(path: path, operation: .create, code: errno) }
        do {
            do {
                try body(descriptor)
                if let permissions { try check(fchmod(descriptor, permissions), .create, path) }
                try check(fsync(descriptor), .synchronize, path)
            } catch {
                close(descriptor)
                throw error
            }
            try check(close(descriptor), .close, path)
            try check(rename(temporary, target.path), .replace, path)
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronize(folder: folder)
    }

    /// Writes all of `data` to a descriptor; `path` names the file in errors.
    package static func write(_ data: Data, to descriptor: Int32, path: String) throws {
        try data.withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = writeSome(UnsafeRawBufferPointer(rebasing: rest), to: descriptor)
                if written < 0 && errno == EINTR { continue }
                try check(written < 0 ? -1 : 0, .write, path)
                rest = rest.dropFirst(written)
            }
        }
    }

    /// Removes what writers of the file at `url` have left that were killed, and could not tidy up.
    package static func removeLeftovers(of url: URL) {
        let target = URL(fileURLWithPath: destination(of: url.path))
        removeLeftovers(in: target.deletingLastPathComponent(), beginning: temporaryPrefix(of: target))
    }

    /// Removes what killed writers of any file in a folder have left.
    package static func removeLeftovers(in folder: URL) { removeLeftovers(in: folder, beginning: ".") }

    private static func removeLeftovers(in folder: URL, beginning prefix: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        for name in names where name.hasPrefix(prefix) && name.hasSuffix(temporarySuffix) {
            // A temporary's name ends with an identifier of 36 characters.
            let stem = name.dropLast(temporarySuffix.count)
            let isOwn = prefix == "." || stem.count == prefix.count + 36
            if isOwn, UUID(uuidString: String(stem.suffix(36))) != nil {
                unlink("\(folder.path)/\(name)")
            }
        }
    }

    /// How the names of a file's temporaries begin: with its own name, cut so that they are not too long.
    private static func temporaryPrefix(of target: URL) -> String {
        ".\(String(decoding: target.lastPathComponent.utf8.prefix(200), as: UTF8.self))."
    }

    private static let temporarySuffix = ".partial"

    /// Where `path` leads when symbolic links are followed; itself where nothing is there yet.
    private static func destination(of path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The permissions of the file at `path`, nil where there is none.
    ///
    /// - Throws: `FileError` where a folder or a device is in the way: renaming over `/dev/null` would
    ///   succeed, and be regretted.
    private static func permissionsOfReplaceableFile(at path: String) throws -> mode_t? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let code = status.st_mode & S_IFMT == S_IFDIR ? EISDIR : ENOTSUP
            throw FileError(path: path, operation: .replace, code: code)
        }
        return status.st_mode & 0o7777
    }

    /// Makes a rename within `folder` survive a power cut.
    package static func synchronize(folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        // A folder that may be written but not read cannot be flushed; its file is in place all the same.
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // Some file systems cannot flush folders, and say so with EINVAL.
        if fsync(descriptor) != 0 && errno != EINVAL {
            throw FileError(path: folder, operation: .synchronize, code: errno)
        }
    }

    private static func check(_ result: Int32, _ operation: FileError.Operation, _ path: String) throws {
        guard result == 0 else { throw FileError(path: path, operation: operation, code: errno) }
    }
}

/// The system's `write`, which may write less than all; outside the type, whose `write` would hide it.
private func writeSome(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
    // More than 2 GiB at once is an error on some systems.
    write(descriptor, bytes.baseAddress, min(bytes.count, 1 << 30))
}
