import Foundation

/// Reads and writes NumPy's `.npz` files: zip archives whose entries are `.npy` files, each named after its
/// tensor.
///
/// What `NumPy` says of elements holds here too. Of a file whose entries expand to more than 64 MiB in all, or to
/// more than 32 times its own size where that is larger, nothing is read.
public enum NumPyArchive {
    private static let suffix = ".npy"

    /// Reads the file at `url`. Elements that are not compressed are mapped into memory: they are read from disk
    /// where they are used, and the file must not be changed in place meanwhile.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is not what the format says.
    public static func read(_ url: URL) throws -> TensorFile {
        try decode(WholeFile.mapped(url), name: url.path)
    }

    /// The tensors of a whole file, in the order of its directory.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The file's name in errors.
    /// - Throws: `FormatError` where it is no zip archive, or an entry no `.npy` file that `NumPy` reads.
    public static func decode(_ bytes: Data, name: String) throws -> TensorFile {
        let archive = try ZipArchive(bytes, name: name)
        return TensorFile(
            try archive.entries.map { entry in
                guard isTensor(entry) else {
                    throw FormatError(
                        file: name, offset: entry.headerOffset, found: "the entry \(entry.name)",
                        expected: "entries whose names end in \(suffix)")
                }
                return try NumPy.tensor(
                    named: String(entry.name.dropLast(suffix.count)), in: archive.contents(of: entry),
                    file: "\(name), \(entry.name)")
            })
    }

    /// Whether an entry's name is that of a `.npy` file.
    static func isTensor(_ entry: ZipArchive.Entry) -> Bool { entry.name.hasSuffix(suffix) }

    /// The bytes of a file of these tensors, whose metadata is left out.
    ///
    /// - Parameter compressed: whether entries are deflated, as `numpy.savez_compressed` does, or stored.
    /// - Throws: `TensorFileError` where two names are equal, or a tensor has too many dimensions;
    ///   `FormatError` where the archive would exceed 4 GiB.
    public static func encode(_ file: TensorFile, compressed: Bool = false) throws -> Data {
        var bytes = Data()
        try write(file, compressed: compressed, name: "archive") { bytes.append($0) }
        return bytes
    }

    /// Replaces the file at `url`, or creates it, whole or not at all; the bytes are those of `encode`.
    ///
    /// - Throws: As `encode`; `FileError` where it cannot be written.
    public static func write(_ file: TensorFile, to url: URL, compressed: Bool = false) throws {
        try AtomicFile.replace(url) { descriptor in
            try write(file, compressed: compressed, name: url.path) {
                try AtomicFile.write($0, to: descriptor, path: url.path)
            }
        }
    }

    private static func write(
        _ file: TensorFile, compressed: Bool, name: String, to sink: @escaping (Data) throws -> Void
    ) throws {
        try file.requireDistinctNames()
        var archive = ZipWriter(name: name, to: sink)
        for tensor in file.tensors {
            try archive.add(tensor.name + suffix, NumPy.encode(tensor), compressed: compressed)
        }
        try archive.finish()
    }
}
