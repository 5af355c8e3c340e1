import Foundation

/// Reads little-endian fields one after the other, never past the end.
struct ByteReader {
    private let bytes: Data
    private let file: String
    private let base: Int
    private let part: String
    private var position = 0

    /// `bytes` begin at byte `base` of the file; errors call them `part`: "the central directory".
    init(_ bytes: Data, file: String, base: Int = 0, part: String = "the file") {
        self.bytes = bytes
        self.file = file
        self.base = base
        self.part = part
    }

    /// Where the next field begins, in bytes from the beginning of the file.
    var offset: Int { base + position }

    /// Bytes not yet read.
    var remaining: Int { bytes.count - position }

    mutating func integer<Word: FixedWidthInteger>(_: Word.Type = Word.self) throws -> Word {
        try require(MemoryLayout<Word>.size)
        defer { position += MemoryLayout<Word>.size }
        return Word(
            littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Word.self) })
    }

    /// The next `count` bytes, in the memory where they lie.
    mutating func take(_ count: Int) throws -> Data {
        try require(count)
        defer { position += count }
        return bytes.dropFirst(position).prefix(count)
    }

    /// The next `count` bytes as UTF-8.
    mutating func text(_ count: Int) throws -> String {
        let start = self
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw start.failure(found: "bytes that are no text", expected: "UTF-8")
        }
        return text
    }

    /// The text up to the next line feed, which is skipped.
    mutating func line(limit: Int) throws -> String {
        let rest = bytes.dropFirst(position).prefix(limit + 1)
        guard let end = rest.firstIndex(of: 0x0A) else {
            throw failure(found: "no line feed in \(rest.count) bytes", expected: "a line of text")
        }
        let line = try text(end - rest.startIndex)
        position += 1
        return line
    }

    /// The error that says what was found at the byte the reader has reached.
    func failure(found: String, expected: String) -> FormatError {
        FormatError(file: file, offset: offset, found: found, expected: expected)
    }

    private func require(_ count: Int) throws {
        guard count <= remaining else {
            throw failure(
                found: "\(remaining) bytes up to the end of \(part)", expected: "\(count) bytes more")
        }
    }
}
