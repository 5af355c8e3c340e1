import Foundation

/// The system refused an operation on a file.
public struct FileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was being done to the file.
    public enum Operation: String, Sendable {
        case open, create, read, write, replace, close
        case synchronize = "flush to disk"
    }

    public let path: String
    public let operation: Operation
    /// The system's error number (`errno`).
    public let code: Int32

    public init(path: String, operation: Operation, code: Int32) {
        self.path = path
        self.operation = operation
        self.code = code
    }

    /// The system's words for `code`.
    public var reason: String { String(cString: strerror(code)) }

    public var description: String { "cannot \(operation.rawValue) \(path): \(reason)" }
}
