import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct TarArchiveTests {
    private static let files: [(name: String, contents: Data)] = [
        ("a/empty", Data()), ("a/", Data()), ("a/one", Data(repeating: 7, count: 512)),
        ("b", Data(repeating: 8, count: 700)),
    ]

    @Test("Regular files are read, whatever is between them")
    func files() throws {
        let archive = try TarArchive(TarFile.bytes(Self.files), name: "some.tar")
        #expect(archive.entries.map(\.name) == ["a/empty", "a/one", "b"])
        #expect(archive.entries.map(\.contents) == [0, 2, 3].map { Self.files[$0].contents })
        #expect(try TarArchive(Data(), name: "some.tar").entries.isEmpty)
    }

    @Test("An archive as the system's tar writes it is read")
    func systemTar() throws {
        try withTemporaryDirectory { directory in
            let name = "folder-" + String(repeating: "x", count: 80)
            let folder = directory.appending(path: name)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
            try Data("contents".utf8).write(to: folder.appending(path: "a-long-enough-name.txt"))
            let tar = Process()
            tar.executableURL = URL(filePath: "/usr/bin/env")
            tar.arguments = ["tar", "--format=ustar", "-cf", "some.tar", name]
            tar.currentDirectoryURL = directory
            try tar.run()
            tar.waitUntilExit()
            let bytes = try Data(contentsOf: directory.appending(path: "some.tar"))
            let entries = try TarArchive(bytes, name: "some.tar").entries
            #expect(entries.map(\.name) == ["\(name)/a-long-enough-name.txt"])
            #expect(entries.map(\.contents) == [Data("contents".utf8)])
        }
    }

    @Test("Damage to a header and missing contents are errors with their place")
    func damage() throws {
        let bytes = TarFile.bytes(Self.files)
        var damaged = bytes
        damaged[1024 + 3] ^= 1
        let error = #expect(throws: FormatError.self) { try TarArchive(damaged, name: "some.tar") }
        #expect(error?.offset == 1024 && error?.file == "some.tar")
        #expect(throws: FormatError.self) { try TarArchive(bytes.prefix(1024 + 600), name: "some.tar") }
        var generator = SplitMix64(seed: 1)
        for _ in 0..<2000 {
            var flipped = bytes
            flipped[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                1 << UInt8.random(in: 0..<8, using: &generator)
            do {
                _ = try TarArchive(flipped, name: "some.tar")
            } catch {
                #expect(error is FormatError)
            }
        }
    }
}
