/// A file that could not be fetched, or is not the one that was wanted.
public enum DownloadError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The server answered with another status than that of success.
    case status(url: String, code: Int)
    /// The transfer ended early; what came of it is kept, and a later one goes on from there.
    case cut(url: String, received: Int, reason: String)
    /// What came is another file; nothing of it is kept.
    case wrongSum(url: String, found: String, expected: String)
    /// A file of the name is there already, and is another one.
    case otherFile(path: String, found: String, expected: String)
    /// Another process is fetching the file.
    case inUse(path: String)

    public var description: String {
        switch self {
        case .status(let url, let code):
            "\(url): found the status \(code), expected the file (200)"
        case .cut(let url, let received, let reason):
            "\(url): found the end of the transfer after \(received) bytes (\(reason)); the next one goes on there"
        case .wrongSum(let url, let found, let expected):
            "\(url): found a file of SHA-256 \(found), expected \(expected)"
        case .otherFile(let path, let found, let expected):
            "\(path) is there already: found SHA-256 \(found), expected \(expected); move it away"
        case .inUse(let path):
            "\(path) is in use: another process is fetching it"
        }
    }
}
