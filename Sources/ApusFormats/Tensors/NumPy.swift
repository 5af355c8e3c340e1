import Foundation

/// Reads and writes NumPy's `.npy` files of one tensor: a magic and a version, the length of a header, the
/// header as a Python dictionary (`descr`, `fortran_order`, `shape`), and the elements.
///
/// Big-endian elements are turned on reading, and so are those whose first index runs fastest. NumPy has no
/// bfloat16: tensors of it are written in single precision, exactly.
public enum NumPy {
    static let magic = Data([0x93] + "NUMPY".utf8)
    /// As many as NumPy allows.
    static let dimensionLimit = 64

    /// Reads the file at `url`; its tensor is named after it, without the extension.
    ///
    /// The elements are mapped into memory: they are read from disk where they are used, and the file must not
    /// be changed in place meanwhile.
    ///
    /// - Throws: `FileError` where it cannot be read, `FormatError` where it is not what the format says.
    public static func read(_ url: URL) throws -> TensorFile {
        try decode(WholeFile.mapped(url), name: url.path)
    }

    /// The tensor of a whole file, named after it, without the extension.
    ///
    /// - Parameters:
    ///   - bytes: The whole file.
    ///   - name: The file's name or path.
    /// - Throws: `FormatError` where the header is malformed, the type none of `ElementType`, or the elements
    ///   more or fewer than the shape says.
    public static func decode(_ bytes: Data, name: String) throws -> TensorFile {
        let stem = URL(filePath: name).deletingPathExtension().lastPathComponent
        return TensorFile([try tensor(named: stem, in: bytes, file: name)])
    }

    /// The tensor of a file's `bytes`; `file` is the file's name in errors.
    static func tensor(named name: String, in bytes: Data, file: String) throws -> FileTensor {
        let header = try NumPyHeader(of: bytes, file: file)
        let type = header.elementType
        let elements = bytes.dropFirst(header.end)
        guard let count = type.byteCount(of: header.shape), count == elements.count,
            let ordered = header.layout.bytes(from: elements, of: type, byteCount: count)
        else {
            throw FormatError(
                file: file, offset: header.end, found: "\(elements.count) bytes of elements",
                expected: "as many as \(header.shape) of \(type) takes")
        }
        return FileTensor(
            name: name, shape: header.shape, elementType: type,
            bytes: header.isBigEndian ? swapped(ordered, size: type.byteCount) : ordered)
    }

    private static func swapped(_ elements: Data, size: Int) -> Data {
        var elements = elements
        elements.withUnsafeMutableBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: size) { bytes[start..<start + size].reverse() }
        }
        return elements
    }

    /// The bytes of a file of one tensor, whose name and metadata are left out.
    ///
    /// - Throws: `TensorFileError` where there is not one tensor, or one of too many dimensions.
    public static func encode(_ file: TensorFile) throws -> Data {
        guard file.tensors.count == 1 else {
            throw TensorFileError.notOneTensor(count: file.tensors.count)
        }
        return try encode(file.tensors[0])
    }

    /// Replaces the file at `url`, or creates it, whole or not at all; the bytes are those of `encode`.
    ///
    /// - Throws: `TensorFileError` as `encode`; `FileError` where it cannot be written.
    public static func write(_ file: TensorFile, to url: URL) throws {
        try AtomicFile.write(encode(file), to: url)
    }

    static func encode(_ tensor: FileTensor) throws -> Data {
        guard let descriptor = NumPyHeader.descriptor(of: tensor.elementType) else {
            return try encode(FileTensor(name: tensor.name, shape: tensor.shape, floats: tensor.floats))
        }
        guard tensor.shape.count <= dimensionLimit else {
            throw TensorFileError.tooManyDimensions(
                name: tensor.name, count: tensor.shape.count, limit: dimensionLimit)
        }
        let extents = tensor.shape.map(String.init).joined(separator: ", ")
        let shape = tensor.shape.count == 1 ? "(\(extents),)" : "(\(extents))"
        var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }"
        // Version 1.0, and spaces so that the elements begin at a multiple of 64 bytes.
        header += String(repeating: " ", count: 63 - (magic.count + 4 + header.utf8.count) % 64) + "\n"
        let length = header.utf8.count
        return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Data(header.utf8) + tensor.bytes
    }
}
