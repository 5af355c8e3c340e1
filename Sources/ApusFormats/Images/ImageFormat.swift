import Foundation

/// The formats of image files, told apart by how they begin, never by their names.
public enum ImageFormat: String, Sendable, Hashable, CaseIterable {
    case jpeg = "JPEG"
    case png = "PNG"

    private var magic: [UInt8] {
        switch self {
        // The start of the image, and the first byte of the marker after it.
        case .jpeg: [0xFF, 0xD8, 0xFF]
        case .png: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        }
    }

    /// The format of a file's bytes.
    ///
    /// - Parameter name: The file's name in errors.
    /// - Throws: `FormatError` where they begin as no image does.
    public init(of bytes: Data, name: String) throws {
        guard let format = Self.allCases.first(where: { bytes.starts(with: $0.magic) }) else {
            let found = bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            throw FormatError(
                file: name, offset: 0,
                found: found.isEmpty ? "an empty file" : "the bytes \(found.joined(separator: " "))",
                expected: "an image, JPEG (ff d8 ff) or PNG (89 50 4e 47)")
        }
        self = format
    }
}
