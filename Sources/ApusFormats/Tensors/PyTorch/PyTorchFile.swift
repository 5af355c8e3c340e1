import Foundation

/// Reads what PyTorch's `torch.save` makes of a network's state dictionary: tensors by name.
///
/// Both of its formats are read: the zip archive of PyTorch 1.6 and later, and the row of pickles of those
/// before, in which many published weights still are. Of a checkpoint, a dictionary of more than tensors, those
/// under `state_dict` are taken.
///
/// A pickle is a program that may call anything. Here it calls nothing: tensors, parameters, dictionaries and
/// plain values are known, and all else is refused by name.
///
/// **Deviations.** Whole networks, and quantised, complex and sparse tensors are refused.
public enum PyTorchFile {
    private static let pickleName = "data.pkl"
    /// The number that the row of pickles begins with.
    private static let magic = "1950a86a20f9469cfc6c"
    private static let version = 1001

    /// Reads the file at `url`, the elements mapped into memory: they are read from disk where they are used,
    /// and the file must not be changed in place meanwhile.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is not what the format says.
    public static func read(_ url: URL) throws -> TensorFile {
        try decode(WholeFile.mapped(url), name: url.path)
    }

    /// The tensors of a whole file in the dictionary's order.
    ///
    /// Their elements are parts of `bytes` where they lie in order there. Tensors may share elements, but all
    /// of them together take at most four times the bytes of the file, or 1 MiB.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The file's name in errors.
    /// - Throws: `FormatError` for everything but a dictionary of tensors, or one that has it under
    ///   `state_dict`.
    public static func decode(_ bytes: Data, name: String) throws -> TensorFile {
        let limit = max(4 * bytes.count, 1 << 20)
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) {
            return try zippedTensors(ZipArchive(bytes, name: name, limit: limit), name: name, limit: limit)
        }
        guard bytes.first == 0x80 else {
            throw FormatError(
                file: name, offset: 0, found: "other bytes",
                expected: "a file of PyTorch, which begins as a zip archive or a pickle does")
        }
        return try pickledTensors(ByteReader(bytes, file: name), name: name, limit: limit)
    }

    /// Tensors of an archive with a pickle `<folder>/data.pkl` and a storage `<folder>/data/<key>` for each key.
    private static func zippedTensors(
        _ archive: ZipArchive, name: String, limit: Int
    ) throws -> TensorFile {
        let entries = Dictionary(uniqueKeysWithValues: archive.entries.map { ($0.name, $0) })
        let pickles = archive.entries.filter {
            $0.name.split(separator: "/", omittingEmptySubsequences: false).dropFirst() == [pickleName[...]]
        }
        guard pickles.count == 1, let entry = pickles.first else {
            throw FormatError(
                file: name, offset: 0, found: "\(pickles.count) pickles among \(entries.count) entries",
                expected: "a file of PyTorch, an archive with one entry '<folder>/\(pickleName)'")
        }
        let folder = entry.name.dropLast(pickleName.count)
        if let order = entries["\(folder)byteorder"] {
            guard try archive.contents(of: order).elementsEqual("little".utf8) else {
                throw FormatError(
                    file: name, offset: order.offset, found: "another order of bytes",
                    expected: "'little', the last byte first")
            }
        }
        var reader = ByteReader(
            try archive.contents(of: entry), file: name, base: entry.offset, part: "entry '\(entry.name)'")
        let state = try StateDictionary(Unpickler.unpickle(&reader), file: name)
        try requireEnd(reader)
        return try state.tensors(limit: limit) { storage in
            guard let entry = entries["\(folder)data/\(storage.key)"] else {
                throw FormatError(
                    file: name, offset: entry.offset, found: "no storage '\(storage.key)'",
                    expected: "an entry '\(folder)data/\(storage.key)'")
            }
            return try archive.contents(of: entry)
        }
    }

    /// Tensors of a row of pickles: a magic number, a version, the machine's properties, the dictionary, the keys
    /// of its storages; and the storages in the order of the keys, each with its number of elements before.
    private static func pickledTensors(_ bytes: ByteReader, name: String, limit: Int) throws -> TensorFile {
        var reader = bytes
        guard case .largeInteger(magic) = try Unpickler.unpickle(&reader).root else {
            throw bytes.failure(found: "a pickle", expected: "PyTorch's magic number in one")
        }
        try require("version \(version)", at: reader) {
            if case .integer(version) = try Unpickler.unpickle(&reader).root { true } else { false }
        }
        try require("a machine of little-endian numbers", at: reader) {
            let machine = try Unpickler.unpickle(&reader)
            return if case .truth(true)? = machine.member("little_endian", of: machine.root) { true } else {
                false
            }
        }
        let pickle = try Unpickler.unpickle(&reader)
        let state = try StateDictionary(pickle, file: name)
        let storages = try contents(of: pickle.storages, from: &reader)
        try requireEnd(reader)
        return try state.tensors(limit: limit) { storage in
            guard let contents = storages[storage.key] else {
                throw reader.failure(found: "no storage '\(storage.key)'", expected: "one for each tensor")
            }
            return contents
        }
    }

    /// Reads the keys of storages, and the storages.
    private static func contents(
        of storages: [Pickle.Storage], from reader: inout ByteReader
    ) throws -> [String: Data] {
        let start = reader
        let keys = try Unpickler.unpickle(&reader)
        guard let list = keys.elements(of: keys.root) else {
            throw start.failure(found: keys.root.kind, expected: "a list of storages")
        }
        let known = Dictionary(uniqueKeysWithValues: storages.map { ($0.key, $0) })
        var contents: [String: Data] = [:]
        for key in list {
            guard case .text(let key) = key, let storage = known[key], contents[key] == nil else {
                throw start.failure(
                    found: "\(key.kind) in the list of storages",
                    expected: "keys of the pickle before, each once")
            }
            let start = reader
            let count: Int64 = try reader.integer()
            guard count == storage.count, let size = storage.elementType.byteCount(of: [storage.count]) else {
                throw start.failure(
                    found: "storage '\(key)' of \(count) elements", expected: "\(storage.count) of them")
            }
            contents[key] = try reader.take(size)
        }
        return contents
    }

    private static func require(
        _ expected: String, at reader: ByteReader, _ isMet: () throws -> Bool
    ) throws {
        guard try isMet() else { throw reader.failure(found: "another pickle", expected: expected) }
    }

    private static func requireEnd(_ reader: ByteReader) throws {
        guard reader.remaining == 0 else {
            throw reader.failure(found: "\(reader.remaining) bytes more", expected: "the end of the file")
        }
    }
}
