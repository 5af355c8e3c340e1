import Foundation

/// A format of files of tensors.
public enum TensorFormat: String, Sendable, CaseIterable {
    case safetensors
    /// `.npy`: one tensor.
    case numpy
    /// `.npz`: a zip archive of `.npy`.
    case numpyArchive
    /// What `torch.save` writes of a state dictionary; read, not written.
    case pytorch

    /// How the names of its files end, the usual way first.
    public var fileExtensions: [String] {
        switch self {
        case .safetensors: ["safetensors"]
        case .numpy: ["npy"]
        case .numpyArchive: ["npz"]
        case .pytorch: ["pt", "pth", "bin"]
        }
    }

    public var isWritable: Bool { self != .pytorch }

    /// The format that a file's name says it has, nil where its extension is unknown.
    public init?(nameOf url: URL) {
        let ending = url.pathExtension.lowercased()
        guard let format = Self.allCases.first(where: { $0.fileExtensions.contains(ending) }) else {
            return nil
        }
        self = format
    }

    /// The format that a file has by its contents, whatever its name.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The file's name in errors.
    /// - Throws: `FormatError` where it is none of these, or a damaged zip archive.
    public init(of bytes: Data, name: String) throws {
        if bytes.starts(with: NumPy.magic) {
            self = .numpy
        } else if bytes.starts(with: "PK\u{3}\u{4}".utf8) || bytes.starts(with: "PK\u{5}\u{6}".utf8) {
            self = try Self.archive(ZipArchive(bytes, name: name), name: name)
        } else if Safetensors.isPlausible(bytes) {
            // Before pickles: the length of a header may begin as they do.
            self = .safetensors
        } else if bytes.starts(with: [0x80]) {
            self = .pytorch
        } else {
            throw FormatError(
                file: name, offset: 0, found: bytes.isEmpty ? "no bytes" : "other bytes",
                expected: "a file of safetensors, NumPy or PyTorch")
        }
    }

    private static func archive(_ archive: ZipArchive, name: String) throws -> TensorFormat {
        if archive.entries.allSatisfy(NumPyArchive.isTensor) { return .numpyArchive }
        if archive.entries.contains(where: { $0.name.hasSuffix("/data.pkl") }) { return .pytorch }
        throw FormatError(
            file: name, offset: 0, found: "a zip archive of \(archive.entries.count) entries",
            expected: "entries .npy alone, as NumPy has, or one data.pkl, as PyTorch has")
    }
}

extension TensorFile {
    /// Reads a file of any `TensorFormat`, recognised by its contents.
    ///
    /// Elements that are not compressed are mapped into memory: they are read from disk where they are used, and
    /// the file must not be changed in place meanwhile.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where its format is unknown or it is not
    ///   what the format says.
    public init(contentsOf url: URL) throws {
        try self.init(WholeFile.mapped(url), name: url.path)
    }

    /// The tensors of a whole file of any `TensorFormat`, recognised by its contents.
    ///
    /// - Throws: `FormatError` as `init(contentsOf:)`, which names the file `name`.
    package init(_ bytes: Data, name: String) throws {
        switch try TensorFormat(of: bytes, name: name) {
        case .safetensors: self = try Safetensors.decode(bytes, name: name)
        case .numpy: self = try NumPy.decode(bytes, name: name)
        case .numpyArchive: self = try NumPyArchive.decode(bytes, name: name)
        case .pytorch: self = try PyTorchFile.decode(bytes, name: name)
        }
    }

    /// Replaces the file at `url`, or creates it, whole or not at all.
    ///
    /// - Parameter format: nil for the one that the file's extension says.
    /// - Throws: `TensorFileError` where the extension is unknown, PyTorch's format is asked for, which is read
    ///   only, or the format cannot hold the tensors; `FileError` where the file cannot be written.
    public func write(to url: URL, as format: TensorFormat? = nil) throws {
        guard let format = format ?? TensorFormat(nameOf: url) else {
            throw TensorFileError.unknownExtension(file: url.path)
        }
        switch format {
        case .safetensors: try Safetensors.write(self, to: url)
        case .numpy: try NumPy.write(self, to: url)
        case .numpyArchive: try NumPyArchive.write(self, to: url)
        case .pytorch: throw TensorFileError.readOnly(format)
        }
    }
}
