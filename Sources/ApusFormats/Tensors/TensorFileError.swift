/// Tensors that a format cannot hold as they are.
public enum TensorFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Two tensors would have one name in the file.
    case duplicateName(String)
    /// The format keeps the name for itself.
    case reservedName(String)
    /// Names, shapes and metadata take more room than readers allow.
    case headerTooLong(bytes: Int, limit: Int)
    /// A format of one tensor, and more or fewer to write.
    case notOneTensor(count: Int)
    /// A tensor has more dimensions than readers allow.
    case tooManyDimensions(name: String, count: Int, limit: Int)
    /// A file's name does not say its format.
    case unknownExtension(file: String)
    /// Files of the format are read, not written.
    case readOnly(TensorFormat)

    public var description: String {
        switch self {
        case .duplicateName(let name):
            "two tensors are named \(name), expected a name for each"
        case .reservedName(let name):
            "a tensor is named \(name), which the format keeps for itself: expected another name"
        case .headerTooLong(let bytes, let limit):
            "names, shapes and metadata take \(bytes) bytes, expected at most \(limit)"
        case .notOneTensor(let count):
            "there are \(count) tensors to write, expected one: a .npy file holds no more and no less"
        case .tooManyDimensions(let name, let count, let limit):
            "\(name) has \(count) dimensions, expected at most \(limit)"
        case .unknownExtension(let file):
            "\(file) has an unknown extension, expected \(Self.writableExtensions)"
        case .readOnly(let format):
            "files of \(format) are read, not written: expected \(Self.writableExtensions)"
        }
    }

    private static var writableExtensions: String {
        let extensions = TensorFormat.allCases.filter(\.isWritable).flatMap(\.fileExtensions)
        return "one of \(extensions.map { ".\($0)" }.joined(separator: ", "))"
    }
}
