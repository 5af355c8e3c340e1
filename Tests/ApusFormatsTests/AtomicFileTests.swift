import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct AtomicFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ name: String) -> URL { folder.url.appendingPathComponent(name) }

    @Test(arguments: [0, 1, 100_000])
    func whatIsWrittenIsReadBack(size: Int) throws {
        let data = Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) })
        try AtomicFile.write(data, to: file("data"))
        #expect(try WholeFile.contents(of: file("data")) == data)
        #expect(try folder.names() == ["data"])
    }

    @Test func anOldFileIsReplacedAndItsPermissionsKept() throws {
        try AtomicFile.write(Data(repeating: 1, count: 5000), to: file("data"))
        try #require(chmod(file("data").path, 0o640) == 0)
        try AtomicFile.write(Data([2, 3]), to: file("data"))
        #expect(try WholeFile.contents(of: file("data")) == Data([2, 3]))
        let attributes = try FileManager.default.attributesOfItem(atPath: file("data").path)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
        #expect(try folder.names() == ["data"])
    }

    @Test func aSymbolicLinkIsFollowed() throws {
        try AtomicFile.write(Data([1]), to: file("target"))
        try FileManager.default.createSymbolicLink(at: file("link"), withDestinationURL: file("target"))
        try AtomicFile.write(Data([2]), to: file("link"))
        #expect(try WholeFile.contents(of: file("target")) == Data([2]))
        #expect(try folder.names() == ["link", "target"])
    }

    @Test func aFailedWriteLeavesTheOldFileWholeAndNothingElse() throws {
        struct Interruption: Error {}
        try AtomicFile.write(Data([1, 2, 3]), to: file("data"))
        #expect(throws: Interruption.self) {
            try AtomicFile.replace(file("data")) { descriptor in
                try AtomicFile.write(Data([9]), to: descriptor, path: "data")
                throw Interruption()
            }
        }
        #expect(try WholeFile.contents(of: file("data")) == Data([1, 2, 3]))
        #expect(try folder.names() == ["data"])
    }

    @Test func lookingWhetherAFileCanBeWrittenLeavesWhatIsThere() throws {
        try AtomicFile.write(Data([1, 2, 3]), to: file("data"))
        try AtomicFile.checkReplaceable(file("data"))
        try AtomicFile.checkReplaceable(file("new"))
        #expect(try WholeFile.contents(of: file("data")) == Data([1, 2, 3]))
        #expect(try folder.names() == ["data"])
        for impossible in [folder.url, file("data").appending(path: "below"), file("none/data")] {
            #expect(throws: FileError.self) { try AtomicFile.checkReplaceable(impossible) }
        }
    }

    @Test func leftoversOfAFileAreRemovedAndNothingElse() throws {
        let id = UUID().uuidString
        for name in [".data.\(id).partial", ".datum.\(id).partial", ".data.x.partial", "data"] {
            try folder.write(Data([1]), to: name)
        }
        AtomicFile.removeLeftovers(of: file("data"))
        #expect(try folder.names() == [".data.x.partial", ".datum.\(id).partial", "data"])
    }

    @Test func leftoversOfAnyFileOfAFolderAreRemoved() throws {
        let id = UUID().uuidString
        for name in [".a.\(id).partial", ".b.c.\(id).partial", ".x.partial", "\(id).partial", "a"] {
            try folder.write(Data([1]), to: name)
        }
        AtomicFile.removeLeftovers(in: folder.url)
        #expect(try folder.names() == [".x.partial", "a", "\(id).partial"].sorted())
    }

    @Test func aTemporaryIsALeftoverOfItsFile() throws {
        for name in ["data", String(repeating: "n", count: 255)] {
            func removeAmidWriting(_: Int32) throws {
                #expect(try folder.names().count == 1)
                AtomicFile.removeLeftovers(of: file(name))
                #expect(try folder.names().isEmpty)
            }
            // What is removed while it is written cannot be renamed.
            #expect(throws: FileError(path: file(name).path, operation: .replace, code: ENOENT)) {
                try AtomicFile.replace(file(name), writing: removeAmidWriting)
            }
        }
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func aFullDiskIsReportedAndTheOldFileKept() throws {
        try AtomicFile.write(Data([1, 2, 3]), to: file("data"))
        let full = open("/dev/full", O_WRONLY)
        try #require(full >= 0)
        defer { close(full) }
        let error = #expect(throws: FileError.self) {
            try AtomicFile.replace(file("data")) { _ in
                try AtomicFile.write(Data([9]), to: full, path: "model.safetensors")
            }
        }
        #expect(error == FileError(path: "model.safetensors", operation: .write, code: ENOSPC))
        #expect(error?.description == "cannot write model.safetensors: No space left on device")
        #expect(try WholeFile.contents(of: file("data")) == Data([1, 2, 3]))
        #expect(try folder.names() == ["data"])
    }

    @Test func aMissingFolderIsReported() throws {
        let target = file("nowhere/data")
        let error = #expect(throws: FileError.self) { try AtomicFile.write(Data([1]), to: target) }
        #expect(error == FileError(path: target.path, operation: .create, code: ENOENT))
    }

    @Test(.enabled(if: getuid() != 0, "root writes where it likes"))
    func aReadOnlyFolderIsReported() throws {
        try #require(chmod(folder.url.path, 0o500) == 0)
        defer { chmod(folder.url.path, 0o700) }
        let error = #expect(throws: FileError.self) { try AtomicFile.write(Data([1]), to: file("data")) }
        #expect(error == FileError(path: file("data").path, operation: .create, code: EACCES))
    }

    @Test func foldersAndDevicesAreNotReplaced() throws {
        let inside = file("inside")
        try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: false)
        #expect(throws: FileError(path: inside.path, operation: .replace, code: EISDIR)) {
            try AtomicFile.write(Data([1]), to: inside)
        }
        #expect(throws: FileError(path: "/dev/null", operation: .replace, code: ENOTSUP)) {
            try AtomicFile.write(Data([1]), to: URL(fileURLWithPath: "/dev/null"))
        }
        #expect(try folder.names() == ["inside"])
    }

    @Test func whatCannotBeReadIsReported() throws {
        #expect(throws: FileError(path: file("none").path, operation: .open, code: ENOENT)) {
            try WholeFile.contents(of: file("none"))
        }
        #expect(throws: FileError(path: folder.url.path, operation: .read, code: EISDIR)) {
            try WholeFile.contents(of: folder.url)
        }
    }
}
