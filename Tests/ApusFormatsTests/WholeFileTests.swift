import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct WholeFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test(arguments: [0, 1, 4096, 100_001])
    func mappedContentsAreTheFiles(size: Int) throws {
        let data = Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 13) })
        let file = try folder.write(data, to: "data")
        #expect(try WholeFile.mapped(file) == data)
        #expect(try WholeFile.contents(of: file) == data)
    }

    @Test func mappedContentsOutliveTheFilesReplacement() throws {
        let old = Data(repeating: 1, count: 100_000)
        let file = try folder.write(old, to: "data")
        let mapped = try WholeFile.mapped(file)
        try AtomicFile.write(Data([2]), to: file)
        #expect(mapped == old)
        #expect(try WholeFile.mapped(file) == Data([2]))
    }

    @Test func mappedContentsAreChangedInMemoryAlone() throws {
        let old = Data(repeating: 1, count: 100_000)
        let file = try folder.write(old, to: "data")
        var mapped = try WholeFile.mapped(file)
        mapped[0] = 2
        mapped.append(3)
        #expect(mapped == [2] + old.dropFirst() + [3])
        #expect(try WholeFile.contents(of: file) == old)
    }

    @Test func whatCannotBeMappedIsReported() {
        let missing = folder.url.appending(path: "none")
        #expect(throws: FileError(path: missing.path, operation: .open, code: ENOENT)) {
            try WholeFile.mapped(missing)
        }
        #expect(throws: FileError(path: folder.url.path, operation: .read, code: EISDIR)) {
            try WholeFile.mapped(folder.url)
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/proc/self/status")))
    func filesWithoutASizeAreRead() throws {
        let status = try WholeFile.mapped(URL(filePath: "/proc/self/status"))
        #expect(status.starts(with: "Name:".utf8))
    }
}
