import ApusFormats
import Foundation
import Testing

@Suite struct ZipArchiveTests {
    private static let text = Data(
        "the quick brown fox jumps over the lazy dog; the quick brown fox sleeps".utf8)

    /// `text` stored, deflated, and an empty entry, as Python's zipfile writes them; the comment at the end
    /// begins like the record it belongs to.
    private static let plain = base64(
        "UEsDBBQAAAAAAAAAIQB9oAPDRwAAAEcAAAAMAAAAYS9zdG9yZWQudHh0dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIH"
            + "RoZSBsYXp5IGRvZzsgdGhlIHF1aWNrIGJyb3duIGZveCBzbGVlcHNQSwMEFAAAAAgAAAAhAH2gA8M2AAAARwAAAA4AAABhL2"
            + "RlZmxhdGVkLnR4dCvJSFUoLM1MzlZIKsovz1NIy69QyCrNLShWyC9LLVIoAUrnJFZVKqTkp1uDeeiKi3NSUwuKAVBLAwQUAA"
            + "AAAAAAACEAAAAAAAAAAAAAAAAABQAAAGVtcHR5UEsBAhQDFAAAAAAAAAAhAH2gA8NHAAAARwAAAAwAAAAAAAAAAAAAAIABAA"
            + "AAAGEvc3RvcmVkLnR4dFBLAQIUAxQAAAAIAAAAIQB9oAPDNgAAAEcAAAAOAAAAAAAAAAAAAACAAXEAAABhL2RlZmxhdGVkLn"
            + "R4dFBLAQIUAxQAAAAAAAAAIQAAAAAAAAAAAAAAAAAFAAAAAAAAAAAAAACAAdMAAABlbXB0eVBLBQYAAAAAAwADAKkAAAD2AA"
            + "AADgBQSwUGIGEgY29tbWVudA==")

    /// `text` stored and deflated as Python writes to a pipe: 64-bit sizes behind the contents.
    private static let streamed = base64(
        "UEsDBC0ACAAAAAAAIQAAAAAA//////////8GABQAc3RvcmVkAQAQAAAAAAAAAAAAAAAAAAAAAAB0aGUgcXVpY2sgYnJvd24gZm"
            + "94IGp1bXBzIG92ZXIgdGhlIGxhenkgZG9nOyB0aGUgcXVpY2sgYnJvd24gZm94IHNsZWVwc1BLBwh9oAPDRwAAAAAAAABHAA"
            + "AAAAAAAFBLAwQtAAgACAAAACEAAAAAAP//////////CAAUAGRlZmxhdGVkAQAQAAAAAAAAAAAAAAAAAAAAAAAryUhVKCzNTM"
            + "5WSCrKL89TSMuvUMgqzS0oVsgvSy1SKAFK5yRWVSqk5Kdbg3noiotzUlMLigFQSwcIfaADwzYAAAAAAAAARwAAAAAAAABQSw"
            + "ECLQMtAAgAAAAAACEAfaADw0cAAABHAAAABgAAAAAAAAAAAAAAgAEAAAAAc3RvcmVkUEsBAi0DLQAIAAgAAAAhAH2gA8M2AA"
            + "AARwAAAAgAAAAAAAAAAAAAAIABlwAAAGRlZmxhdGVkUEsFBgAAAAACAAIAagAAAB8BAAAAAA==")

    /// One stored entry `x` of 4 bytes: its header at 0, its contents at 31, the directory at 35, its end at 82.
    private static let small = archive([("x", Data([1, 2, 3, 4]))])

    private static func base64(_ text: String) -> Data { Data(base64Encoded: text) ?? Data() }

    private static func archive(_ entries: [(String, Data)], compressed: Bool = false) -> Data {
        var bytes = Data()
        var writer = ZipWriter(name: "some.zip") { bytes += $0 }
        do {
            for (name, contents) in entries { try writer.add(name, contents, compressed: compressed) }
            try writer.finish()
        } catch {
            Issue.record("an archive could not be written: \(error)")
        }
        return bytes
    }

    /// `small` with bytes replaced from each offset on.
    private static func small(_ changes: [(Int, [UInt8])]) -> Data {
        var bytes = small
        for (offset, new) in changes { bytes.replaceSubrange(offset..<offset + new.count, with: new) }
        return bytes
    }

    private static func words(_ values: UInt64...) -> Data {
        Data(values.flatMap { value in (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } })
    }

    /// All contents of an archive, one after the other.
    private static func contents(_ bytes: Data) throws -> Data {
        let archive = try ZipArchive(bytes, name: "some.zip")
        return try archive.entries.reduce(into: Data()) { $0 += try archive.contents(of: $1) }
    }

    private func failure(_ bytes: Data) -> FormatError? {
        #expect(throws: FormatError.self) { try Self.contents(bytes) }
    }

    @Test func storedAndDeflatedEntriesAreRead() throws {
        let archive = try ZipArchive(Self.plain, name: "some.zip")
        #expect(archive.entries.map(\.name) == ["a/stored.txt", "a/deflated.txt", "empty"])
        #expect(archive.entries.map(\.size) == [71, 71, 0])
        #expect(archive.entries.map(\.compressedSize) == [71, 54, 0])
        #expect(try archive.entries.map { try archive.contents(of: $0) } == [Self.text, Self.text, Data()])
    }

    @Test func sizesBehindTheContentsAreRead() throws {
        #expect(try Self.contents(Self.streamed) == Self.text + Self.text)
    }

    @Test func aSliceOfAFileIsReadFromItsOwnBeginning() throws {
        let slice = (Data([9, 9, 9]) + Self.plain).dropFirst(3)
        #expect(try Self.contents(slice) == Self.text + Self.text)
    }

    @Test func storedContentsLieInTheArchiveItself() throws {
        let bytes = Self.small
        let archive = try ZipArchive(bytes, name: "some.zip")
        let contents = try archive.contents(of: archive.entries[0])
        let distance = contents.withUnsafeBytes { contents in
            bytes.withUnsafeBytes {
                UInt(bitPattern: contents.baseAddress) - UInt(bitPattern: $0.baseAddress)
            }
        }
        #expect(distance == 31)
    }

    @Test func anArchiveWithoutEntriesIsRead() throws {
        #expect(try ZipArchive(Self.archive([]), name: "").entries.isEmpty)
    }

    /// `small` with 64-bit sizes: those of the entry in an extra field behind another one, those of the directory
    /// in a record of their own. `sizes` are what the last record says: counts, size and offset.
    private static func wide(sizes: [UInt8]) -> Data {
        let extra = Data([7, 0, 1, 0, 42]) + Data([1, 0, 24, 0]) + words(4, 4, 0)
        var header = Data(small[35..<82])
        header.replaceSubrange(20..<28, with: Data(repeating: 0xFF, count: 8))
        header.replaceSubrange(30..<32, with: [UInt8(extra.count), 0])
        header.replaceSubrange(42..<46, with: Data(repeating: 0xFF, count: 4))
        let size = UInt64(header.count + extra.count)
        var bytes = small[..<35] + header + extra
        bytes += Data([0x50, 0x4B, 6, 6]) + words(44) + Data(count: 12) + words(1, 1, size, 35)
        bytes += Data([0x50, 0x4B, 6, 7, 0, 0, 0, 0]) + words(35 + size) + Data([1, 0, 0, 0])
        return bytes + Data([0x50, 0x4B, 5, 6, 0, 0, 0, 0] + sizes + [0, 0])
    }

    @Test(
        arguments: [
            Array(repeating: 0xFF, count: 12), [1, 0, 1, 0, 80, 0, 0, 0, 35, 0, 0, 0],
        ] as [[UInt8]])
    func sizesOf64BitsAreRead(sizes: [UInt8]) throws {
        #expect(try Self.contents(Self.wide(sizes: sizes)) == Data([1, 2, 3, 4]))
    }

    @Test(arguments: [0, 2, 4, 8])
    func recordsThatContradictEachOtherAreReported(position: Int) {
        var sizes = [1, 0, 1, 0, 80, 0, 0, 0, 35, 0, 0, 0] as [UInt8]
        sizes[position] = 9
        #expect(failure(Self.wide(sizes: sizes))?.expected == "9, as the last record says")
    }

    @Test(
        arguments: [
            (0, [0], "other bytes"),
            (8, [8], "a header that contradicts the directory"),
            (14, [0], "a header that contradicts the directory"),
            (18, [5], "a header that contradicts the directory"),
            (22, [5], "a header that contradicts the directory"),
            (30, [0x79], "a header that contradicts the directory"),
            (31, [9], "contents of entry 'x' with the checksum 1938346786"),
            (35, [0], "other bytes"),
            (43, [1], "entry 'x' that is encrypted"),
            (43, [0x40], "entry 'x' that is encrypted"),
            (44, [0x20], "entry 'x' that is encrypted"),
            (43, [0x20], "entry 'x' that patches another"),
            (45, [12], "entry 'x' compressed by method 12"),
            (55, [5], "entry 'x' of 4 bytes in 5"),
            (55, [5, 0, 0, 0, 5], "a header that contradicts the directory"),
            (59, [0xFF, 0xFF, 0xFF, 0xFF], "entry 'x' of 4294967295 bytes in 4"),
            (63, [9], "1 bytes up to the end of the central directory"),
            (69, [1], "entry 'x' on another disk"),
            (77, [1], "other bytes"),
            (77, [33], "2 bytes up to the end of the entries"),
            (77, [0xFF, 0xFF, 0xFF, 0x7F], "0 bytes up to the end of the entries"),
            (81, [0xFF], "bytes that are no text"),
            (86, [1], "a part of an archive of several disks"),
            (90, [2], "a part of an archive of several disks"),
            (90, [2, 0, 2], "2 entries"),
            (90, [0, 0, 0], "47 bytes more"),
            (94, [46], "0 bytes up to the end of the central directory"),
            (94, [48], "a central directory of 48 bytes at byte 35"),
            (98, [0xFF, 0xFF, 0xFF, 0xFF], "a central directory of 47 bytes at byte 4294967295"),
            (102, [1], "no end of a central directory"),
        ] as [(Int, [UInt8], String)])
    func aContradictionIsReported(offset: Int, bytes: [UInt8], found: String) {
        #expect(failure(Self.small([(offset, bytes)]))?.found == found)
    }

    @Test func contentsBeyondTheEntriesAreReported() {
        let sizes = [5, 0, 0, 0, 5] as [UInt8]
        let bytes = Self.small([(18, sizes), (55, sizes)])
        #expect(failure(bytes)?.found == "entry 'x' of 5 bytes from byte 31")
    }

    @Test(
        arguments: [
            // Bit 3, and what the header then says of the contents.
            [(6, [8, 8]), (14, [UInt8](repeating: 0, count: 12))],
            [(18, [0xFF, 0xFF, 0xFF, 0xFF])], [(22, [0xFF, 0xFF, 0xFF, 0xFF])],
        ] as [[(Int, [UInt8])]])
    func aHeaderMayLeaveSizesToOtherFields(changes: [(Int, [UInt8])]) throws {
        #expect(try Self.contents(Self.small(changes)) == Data([1, 2, 3, 4]))
    }

    @Test func anErrorSaysFileAndPlace() {
        #expect(
            failure(Self.small([(45, [12])]))?.description
                == "some.zip, byte 35: found entry 'x' compressed by "
                + "method 12, expected method 0 (stored) or 8 (deflated)")
        #expect(
            failure(Data("no archive".utf8))?.description == "some.zip, byte 10: found no end of a central "
                + "directory, expected the last record of a zip archive")
    }

    @Test func twoEntriesOfANameAreReported() throws {
        var bytes = Self.archive([("x", Data([1])), ("y", Data([2]))])
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "y") {
            bytes[index] = UInt8(ascii: "x")
        }
        #expect(failure(bytes)?.found == "a second entry 'x'")
    }

    @Test func overlappingEntriesAreReported() {
        // The contents of x are an entry y, which the directory lists as well.
        let inner = Self.archive([("y", Data([1]))])
        let outer = Self.archive([("x", inner.prefix(32))])
        let directory = (outer.count - 22 - 47)..<(outer.count - 22)
        var twin = inner[32..<79]
        twin.replaceSubrange(32 + 42..<32 + 46, with: [31, 0, 0, 0])
        var end = outer.suffix(22)
        for (offset, value) in [(8, 2), (10, 2), (12, 94)] { end[end.startIndex + offset] = UInt8(value) }
        let bytes = outer[..<directory.upperBound] + twin + end
        #expect(failure(bytes)?.found == "entry 'y' inside entry 'x'")
    }

    @Test(arguments: [-1, 1])
    func aWrongSizeOfCompressedContentsIsReported(change: Int) {
        let bytes = Self.archive([("x", Data(repeating: 7, count: 100))], compressed: true)
        var damaged = bytes
        for size in [22, bytes.count - 22 - 47 + 24] { damaged[size] = UInt8(100 + change) }
        #expect(
            failure(damaged)?.found == (change < 0 ? "more than 99" : "100") + " bytes in entry 'x'")
    }

    @Test func contentsBeyondTheLimitAreReported() throws {
        let zeros = Data(count: 100_000)
        let bytes = Self.archive([("x", zeros), ("y", zeros)], compressed: true)
        #expect(try Self.contents(bytes) == zeros + zeros)
        #expect(try ZipArchive(bytes, name: "", limit: 200_000).entries.count == 2)
        let error = #expect(throws: FormatError.self) { try ZipArchive(bytes, name: "", limit: 199_999) }
        #expect(error?.found == "entry 'y' of 100000 bytes after 100000 bytes in others")
    }

    @Test func aBombIsRefusedBeforeItTakesMemory() throws {
        let limit = 1 << 26
        let bomb = Self.archive([("x", Data(count: limit + 1))], compressed: true)
        #expect(bomb.count < 70_000)
        let error = #expect(throws: FormatError.self) { try ZipArchive(bomb, name: "") }
        #expect(error?.expected == "at most \(limit) bytes in all")
        #expect(try ZipArchive(bomb, name: "", limit: limit + 1).entries.count == 1)

        // More than deflate can make of the bytes there are.
        var lie = bomb
        let size = bomb.count - 22 - 47 + 24
        lie.replaceSubrange(size..<size + 4, with: [0xFE, 0xFF, 0xFF, 0xFF])
        let impossible = #expect(throws: FormatError.self) { try ZipArchive(lie, name: "", limit: .max) }
        #expect(impossible?.expected == "at most 1032 in each")
    }

    @Test(arguments: [plain, streamed, small])
    func damageIsReportedOrHarmless(file: Data) {
        expectSurvivesDamage(of: file, limit: 1032 * file.count) { bytes in
            let archive = try ZipArchive(bytes, name: "damaged")
            let tensors = try archive.entries.map { entry in
                let contents = try archive.contents(of: entry)
                return FileTensor(
                    name: entry.name, shape: [contents.count], elementType: .uint8, bytes: contents)
            }
            return TensorFile(tensors)
        }
    }
}
