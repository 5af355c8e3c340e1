import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct ZipWriterTests {
    /// Bytes that deflate cannot shorten, or can.
    private static func contents(_ count: Int, compressible: Bool) -> Data {
        var generator = SplitMix64(seed: UInt64(count))
        return Data(
            (0..<count).map { compressible ? UInt8($0 % 7) : .random(in: .min ... .max, using: &generator) })
    }

    @Test(arguments: [false, true])
    func whatIsWrittenIsReadBack(compressed: Bool) throws {
        let entries = [
            ("empty", Data()), ("folder/ü.npy", Data([1])),
            ("short", Self.contents(100_000, compressible: true)),
            ("long", Self.contents(300_000, compressible: false)),
            ("slice", Self.contents(1000, compressible: true).dropFirst(10)),
        ]
        var bytes = Data()
        var writer = ZipWriter(name: "some.zip") { bytes += $0 }
        for (name, contents) in entries { try writer.add(name, contents, compressed: compressed) }
        try writer.finish()

        let archive = try ZipArchive(bytes, name: "some.zip")
        #expect(archive.entries.map(\.name) == entries.map(\.0))
        for (entry, (_, contents)) in zip(archive.entries, entries) {
            #expect(try archive.contents(of: entry) == contents, "\(entry.name)")
        }
        let short = archive.entries[2]
        #expect(compressed ? short.compressedSize < 1000 : short.compressedSize == short.size)
    }

    @Test func anArchiveIsWrittenStraightToAFile() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "some.zip")
        try AtomicFile.replace(url) { descriptor in
            var writer = ZipWriter(name: url.path) {
                try AtomicFile.write($0, to: descriptor, path: url.path)
            }
            try writer.add("x", Data([1, 2, 3]))
            try writer.finish()
        }
        let archive = try ZipArchive(WholeFile.mapped(url), name: url.path)
        #expect(try archive.contents(of: archive.entries[0]) == Data([1, 2, 3]))
    }

    @Test func aSecondEntryOfANameIsReported() throws {
        var writer = ZipWriter(name: "some.zip") { _ in }
        try writer.add("x", Data())
        let error = #expect(throws: FormatError.self) { try writer.add("x", Data()) }
        #expect(error?.found == "a second entry 'x'")
    }

    @Test(arguments: [false, true])
    func anArchiveIsNoLargerThanTheFormatAllows(compressed: Bool) throws {
        // As long compressed as not, but for five bytes.
        let contents = Self.contents(1000, compressible: false)
        let size = 22 + 2 * (30 + 46 + 2 + contents.count + (compressed ? 5 : 0))
        for limit in [size - 1, size] {
            var bytes = Data()
            var writer = ZipWriter(name: "some.zip", limit: limit) { bytes += $0 }
            try writer.add("x", contents, compressed: compressed)
            if limit == size {
                try writer.add("y", contents, compressed: compressed)
                try writer.finish()
                #expect(bytes.count == size)
            } else {
                let error = #expect(throws: FormatError.self) {
                    try writer.add("y", contents, compressed: compressed)
                }
                #expect(
                    error?.description == "some.zip, byte \(bytes.count): found entry 'y' of 1000 bytes, "
                        + "expected an archive of at most \(limit) bytes")
            }
        }
    }

    @Test func moreEntriesThanTheFormatCountsAreReported() throws {
        var writer = ZipWriter(name: "some.zip") { _ in }
        for index in 0..<65_534 { try writer.add("\(index)", Data()) }
        let error = #expect(throws: FormatError.self) { try writer.add("x", Data()) }
        #expect(error?.found == "entry 65535 with a name of 1 bytes")
        var other = ZipWriter(name: "some.zip") { _ in }
        #expect(throws: FormatError.self) {
            try other.add(String(repeating: "n", count: 65_536), Data())
        }
    }
}
