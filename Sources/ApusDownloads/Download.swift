import ApusFormats
import Foundation

/// A file on a server, and what it must be.
public struct Download: Sendable {
    public enum Outcome: Sendable, Hashable {
        /// The file was there already.
        case found
        /// It was fetched, the first `kept` bytes by an earlier transfer.
        case fetched(kept: Int)
    }

    public let url: String
    /// The file's SHA-256 in hexadecimal; nil where nobody has published it.
    public let sum: String?

    public init(url: String, sum: String?) {
        self.url = url
        self.sum = sum
    }

    /// Fetches the file to `target`, whole or not at all: it grows beside it under the ending `.part`, from where an
    /// earlier transfer was cut, and is renamed when its sum is right.
    ///
    /// - Parameter onProgress: is told the bytes that are there, and how many there are to be, if that is known.
    /// - Throws: `DownloadError`, or `FileError` where the file cannot be written.
    public func fetch(
        to target: URL, onProgress: @escaping (_ received: Int, _ total: Int?) -> Void = { _, _ in }
    ) throws -> Outcome {
        if FileManager.default.fileExists(atPath: target.path) {
            guard let sum else { return .found }
            let found = SHA256.digest(try WholeFile.contents(of: target))
            guard found == sum else {
                throw DownloadError.otherFile(path: target.path, found: found, expected: sum)
            }
            return .found
        }
        let part = try PartialFile(path: target.path + ".part")
        defer { part.removeIfEmpty() }
        // Without a sum nobody could tell two files' halves from one.
        if sum == nil { try part.empty() }
        let kept = try transfer(to: part, onProgress)
        let found = part.digest
        if let sum, found != sum {
            try part.empty()
            throw DownloadError.wrongSum(url: url, found: found, expected: sum)
        }
        try part.finish(as: target.path)
        return .fetched(kept: kept)
    }

    /// Brings the file to its end; gives the bytes that it began with.
    private func transfer(
        to part: PartialFile, _ onProgress: @escaping (Int, Int?) -> Void
    ) throws -> Int {
        var kept = part.count
        func receive(_ answer: Transfer.Answer, _ bytes: UnsafeRawBufferPointer, isFirst: Bool) throws {
            guard answer.status == 200 || answer.status == 206 else { return }
            if isFirst, answer.status == 200 || answer.start != part.count {
                // The server sends all of it, or something else than was asked for.
                kept = 0
                try part.empty()
                guard answer.status == 200 else {
                    throw DownloadError.cut(url: url, received: 0, reason: "another part was sent")
                }
            }
            try part.append(bytes)
        }
        var (isFirst, total) = (true, Int?.none)
        do {
            let answer = try Transfer.get(url, from: kept) { answer, bytes in
                try receive(answer, bytes, isFirst: isFirst)
                if isFirst { total = answer.count.map { $0 + part.count - bytes.count } }
                isFirst = false
                onProgress(part.count, total)
            }
            // There is nothing after what is there: it is the file, or of another one.
            if answer.status == 416, kept > 0 {
                guard let sum, part.digest != sum else { return kept }
                try part.empty()
                return try transfer(to: part, onProgress)
            }
            guard answer.status == 200 || answer.status == 206 else {
                throw DownloadError.status(url: url, code: answer.status)
            }
            return kept
        } catch let failure as Transfer.Failure {
            throw DownloadError.cut(url: url, received: part.count, reason: failure.reason)
        }
    }
}
