/// Tensors that a format cannot hold as they are.
public enum TensorFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Two tensors would have one name in the file.
    case duplicateName(String)
    /// The format keeps the name for itself.
    case reservedName(String)
    /// Names, shapes and metadata take more room than readers allow.
    case headerTooLong(bytes: Int, limit: Int)

    public var description: String {
        switch self {
        case .duplicateName(let name):
            "two tensors are named \(name), expected a name for each"
        case .reservedName(let name):
            "a tensor is named \(name), which the format keeps for itself: expected another name"
        case .headerTooLong(let bytes, let limit):
            "names, shapes and metadata take \(bytes) bytes, expected at most \(limit)"
        }
    }
}
