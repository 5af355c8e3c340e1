import Foundation

/// Bytes that are read at any place, the most significant one first or last.
struct ByteWindow {
    private let bytes: Data
    var isBigEndian = true

    init(_ bytes: Data) { self.bytes = bytes }

    var count: Int { bytes.count }

    /// The byte at `offset`; nil where there is none.
    func byte(at offset: Int) -> Int? { integer(UInt8.self, at: offset) }

    /// The 16 bits from `offset` on; nil where they are not there.
    func word(at offset: Int) -> Int? { integer(UInt16.self, at: offset) }

    /// The 32 bits from `offset` on; nil where they are not there.
    func doubleWord(at offset: Int) -> Int? { integer(UInt32.self, at: offset) }

    /// Whether these bytes lie at `offset`.
    func holds(_ expected: some Collection<UInt8>, at offset: Int) -> Bool {
        0...bytes.count ~= offset && bytes.dropFirst(offset).starts(with: expected)
    }

    /// The `count` bytes from `offset` on, or as many as there are.
    func part(at offset: Int, count: Int) -> Data { bytes.dropFirst(offset).prefix(count) }

    private func integer<Word: FixedWidthInteger>(_: Word.Type, at offset: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Word>.size else { return nil }
        let word = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Word.self) }
        return Int(isBigEndian ? Word(bigEndian: word) : Word(littleEndian: word))
    }
}
