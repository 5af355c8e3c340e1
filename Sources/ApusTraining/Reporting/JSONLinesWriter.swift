import ApusFormats
import Foundation
import Synchronization

/// Why a line could not be written to a log.
public enum JSONLinesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be opened or created.
    case cannotOpen(path: String, reason: String)
    /// The record has no JSON: most often a number in it is not finite.
    case cannotEncode(path: String, reason: String)
    /// The file takes no more, for example because the disk is full.
    case cannotWrite(path: String, reason: String)

    public var description: String {
        switch self {
        case .cannotOpen(let path, let reason): "\(path): cannot open the log for appending: \(reason)"
        case .cannotEncode(let path, let reason): "\(path): a record cannot be written as JSON: \(reason)"
        case .cannotWrite(let path, let reason): "\(path): cannot append to the log: \(reason)"
        }
    }
}

/// A log of one JSON object a line, appended to a file and in the file at once, whatever becomes of the
/// process.
public final class JSONLinesWriter: Sendable {
    public let path: String
    private let file: Mutex<FileHandle>

    /// Opens a file for appending, and creates it where there is none; its folder must exist.
    ///
    /// A last line that an earlier process left unfinished is ended first, so that it spoils no other.
    ///
    /// - Throws: `JSONLinesError.cannotOpen` or `.cannotWrite`.
    public init(path: String) throws(JSONLinesError) {
        self.path = path
        let handle: FileHandle
        do {
            if !FileManager.default.fileExists(atPath: path) {
                try Data().write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
            }
            handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        } catch {
            throw .cannotOpen(path: path, reason: Self.reason(error))
        }
        do {
            let end = try handle.seekToEnd()
            if end > 0 {
                try handle.seek(toOffset: end - 1)
                if try handle.read(upToCount: 1) != Data([newline]) {
                    try handle.write(contentsOf: [newline])
                }
            }
        } catch {
            throw .cannotWrite(path: path, reason: Self.reason(error))
        }
        file = Mutex(handle)
    }

    /// Appends one record.
    ///
    /// - Throws: `JSONLinesError.cannotEncode` or `.cannotWrite`.
    public func append(_ record: some Encodable) throws(JSONLinesError) {
        let line: Data
        do {
            line = try JSONEncoder.forLines.encode(record) + [newline]
        } catch {
            throw .cannotEncode(path: path, reason: Self.reason(error))
        }
        do {
            try file.withLock { try $0.write(contentsOf: line) }
        } catch {
            throw .cannotWrite(path: path, reason: Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        if case EncodingError.invalidValue(let value, let context) = error {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return "\(path) is \(value)"
        }
        return error.localizedDescription
    }
}

private let newline = UInt8(ascii: "\n")
