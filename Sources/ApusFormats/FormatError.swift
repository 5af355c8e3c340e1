/// The contents of a file are not what its format says.
public struct FormatError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let file: String
    /// Where in the file the contents went wrong, in bytes from its beginning.
    public let offset: Int
    public let found: String
    public let expected: String

    public init(file: String, offset: Int, found: String, expected: String) {
        self.file = file
        self.offset = offset
        self.found = found
        self.expected = expected
    }

    public var description: String { "\(file), byte \(offset): found \(found), expected \(expected)" }
}
