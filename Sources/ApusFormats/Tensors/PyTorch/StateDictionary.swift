import Foundation

/// The tensors by name in a pickle, their elements still elsewhere.
struct StateDictionary {
    /// Where a checkpoint has its network's tensors.
    private static let nestedName = "state_dict"

    private let entries: [(name: String, tensor: Pickle.Tensor)]
    private let file: String
    private let offset: Int

    /// - Throws: `FormatError` where the pickle is neither a dictionary of tensors alone nor one of other values
    ///   too, with a dictionary of tensors alone under `state_dict`.
    init(_ pickle: Pickle, file: String) throws {
        func failure(_ found: String, _ expected: String) -> FormatError {
            FormatError(file: file, offset: pickle.offset, found: found, expected: expected)
        }
        var root = pickle.root
        var place = ""
        if case .dictionary? = pickle.member(Self.nestedName, of: root),
            let nested = pickle.member(Self.nestedName, of: root)
        {
            (root, place) = (nested, " in '\(Self.nestedName)'")
        }
        guard case .dictionary(let index) = root else { throw failure(root.kind, "tensors by name") }
        var names: Set<String> = []
        entries = try pickle.dictionaries[index].map { key, value in
            guard case .text(let name) = key else {
                throw failure("\(key.kind) for a name\(place)", "names of tensors")
            }
            guard case .tensor(let index) = value else {
                throw failure(
                    "\(value.kind) '\(name)'\(place)",
                    place.isEmpty
                        ? "tensors alone, or a dictionary of them under '\(Self.nestedName)'"
                        : "tensors alone")
            }
            guard names.insert(name).inserted else {
                throw failure("a second tensor '\(name)'\(place)", "different names")
            }
            return (name, pickle.tensors[index])
        }
        self.file = file
        offset = pickle.offset
    }

    /// The tensors with their elements, of `limit` bytes in all at most, from storages that `contents` reads.
    ///
    /// - Throws: `FormatError` where a tensor reaches beyond its storage, or a storage holds another number of
    ///   elements than the pickle says; whatever `contents` throws.
    func tensors(limit: Int, contents: (Pickle.Storage) throws -> Data) throws -> TensorFile {
        var storages: [String: Data] = [:]
        var total = 0
        return TensorFile(
            try entries.map { name, tensor in
                let (storage, layout) = (tensor.storage, tensor.layout)
                let type = storage.elementType
                guard let byteCount = type.byteCount(of: layout.shape), byteCount <= limit - total else {
                    throw failure(
                        "tensor '\(name)' of the shape \(layout.shape)", "at most \(limit) bytes in all")
                }
                total += byteCount
                let source = try storages[storage.key] ?? contents(storage)
                storages[storage.key] = source
                guard source.count / type.byteCount == storage.count else {
                    throw failure(
                        "storage '\(storage.key)' of \(source.count) bytes",
                        "\(storage.count) elements of \(type.rawValue)")
                }
                guard let bytes = layout.bytes(from: source, of: type, byteCount: byteCount) else {
                    throw failure(
                        "tensor '\(name)' of the shape \(layout.shape) with strides \(layout.strides) from element "
                            + "\(layout.offset)", "one within the \(storage.count) elements of its storage")
                }
                return FileTensor(name: name, shape: layout.shape, elementType: type, bytes: bytes)
            })
    }

    private func failure(_ found: String, _ expected: String) -> FormatError {
        FormatError(file: file, offset: offset, found: found, expected: expected)
    }
}
