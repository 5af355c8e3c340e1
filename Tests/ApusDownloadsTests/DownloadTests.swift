import ApusDownloads
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("Downloads") struct DownloadTests {
    /// More than fits into a buffer of any layer.
    private static let contents = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 9) })
    private static let sum = SHA256.digest(contents)

    private let server: LocalServer
    private let folder: TemporaryFolder
    private var target: URL { folder.url.appending(path: "file.bin") }
    private var download: Download { Download(url: server.url + "file.bin", sum: Self.sum) }

    init() throws {
        server = try LocalServer()
        folder = try TemporaryFolder()
        server.serve(Self.contents, as: "file.bin")
    }

    @Test("A file is fetched whole, told of as it comes, and not fetched again")
    func whole() throws {
        var told: [(Int, Int?)] = []
        #expect(try download.fetch(to: target) { told.append(($0, $1)) } == .fetched(kept: 0))
        #expect(try Data(contentsOf: target) == Self.contents)
        #expect(told.last?.0 == 3_000_000 && told.allSatisfy { $0.1 == 3_000_000 })
        #expect(told.map(\.0) == told.map(\.0).sorted() && told.count > 1)
        #expect(try download.fetch(to: target) == .found)
        #expect(server.requests == ["file.bin"])
        #expect(try folder.names() == ["file.bin"])
    }

    @Test(
        "A transfer that is cut is an error, and the next one goes on from there",
        arguments: [1, 100_000, 2_999_999])
    func resume(cut: Int) throws {
        server.behave { $0.cutAfter = cut }
        let error = #expect(throws: DownloadError.self) { try download.fetch(to: target) }
        guard case .cut(_, cut, _) = error else {
            Issue.record("\(String(describing: error)) does not tell the \(cut) bytes")
            return
        }
        #expect(try folder.names() == ["file.bin.part"])
        server.behave { $0.cutAfter = nil }
        var told: [(Int, Int?)] = []
        #expect(try download.fetch(to: target) { told.append(($0, $1)) } == .fetched(kept: cut))
        #expect(told.allSatisfy { $0.0 > cut && $0.1 == 3_000_000 })
        #expect(server.requests == ["file.bin", "file.bin from \(cut)"])
        #expect(try Data(contentsOf: target) == Self.contents)
        #expect(try folder.names() == ["file.bin"])
    }

    @Test("Cut again and again, it comes to its end all the same")
    func manyCuts() throws {
        server.behave { $0.cutAfter = 700_000 }
        for _ in 0..<4 { #expect(throws: DownloadError.self) { try download.fetch(to: target) } }
        #expect(try download.fetch(to: target) == .fetched(kept: 2_800_000))
        #expect(try Data(contentsOf: target) == Self.contents)
    }

    @Test("A server that knows no ranges sends it all, from the beginning")
    func noRanges() throws {
        try folder.write(Self.contents.prefix(1000), to: "file.bin.part")
        server.behave { $0.ignoresRanges = true }
        #expect(try download.fetch(to: target) == .fetched(kept: 0))
        #expect(server.requests == ["file.bin from 1000"])
        #expect(try Data(contentsOf: target) == Self.contents)
    }

    @Test("What was whole but not yet named is taken; what is longer than the file is fetched anew")
    func nothingLeft() throws {
        try folder.write(Self.contents, to: "file.bin.part")
        #expect(try download.fetch(to: target) == .fetched(kept: 3_000_000))
        #expect(try Data(contentsOf: target) == Self.contents)
        try FileManager.default.removeItem(at: target)
        try folder.write(Self.contents + [1], to: "file.bin.part")
        #expect(try download.fetch(to: target) == .fetched(kept: 0))
        #expect(try Data(contentsOf: target) == Self.contents)
    }

    @Test("Another file than the one wanted is an error with both sums, and nothing of it is kept")
    func wrongSum() throws {
        let other = Self.contents.dropLast() + [0]
        let found = SHA256.digest(other)
        server.serve(other, as: "file.bin")
        let error = DownloadError.wrongSum(url: server.url + "file.bin", found: found, expected: Self.sum)
        #expect(throws: error) { try download.fetch(to: target) }
        #expect(!FileManager.default.fileExists(atPath: target.path))
        // The next transfer begins anew.
        server.serve(Self.contents, as: "file.bin")
        #expect(try download.fetch(to: target) == .fetched(kept: 0))
        #expect(server.requests == ["file.bin", "file.bin"])

        try other.write(to: target)
        #expect(throws: DownloadError.otherFile(path: target.path, found: found, expected: Self.sum)) {
            try download.fetch(to: target)
        }
    }

    @Test("Without a known sum, what comes is taken, and from its beginning")
    func noSum() throws {
        try folder.write(Data(repeating: 7, count: 1000), to: "file.bin.part")
        let unknown = Download(url: server.url + "file.bin", sum: nil)
        #expect(try unknown.fetch(to: target) == .fetched(kept: 0))
        #expect(try unknown.fetch(to: target) == .found)
        #expect(try Data(contentsOf: target) == Self.contents)
    }

    @Test("A file that is not there, and a server that is not, are told apart")
    func refusals() throws {
        server.serve(nil, as: "file.bin")
        #expect(throws: DownloadError.status(url: server.url + "file.bin", code: 404)) {
            try download.fetch(to: target)
        }
        #expect(try folder.names() == [])
        for url in ["http://127.0.0.1:1/file.bin", "file:///etc/hostname", "no url at all"] {
            let error = #expect(throws: DownloadError.self) {
                try Download(url: url, sum: nil).fetch(to: folder.url.appending(path: "other"))
            }
            guard case .cut(url, 0, _) = error else {
                Issue.record("\(String(describing: error)) is another error")
                continue
            }
        }
        #expect(throws: FileError.self) { try download.fetch(to: URL(filePath: "/nowhere/file.bin")) }
    }

    @Test("Of two at once, one fetches the file and the other is refused")
    func inUse() throws {
        let part = target.path + ".part"
        let descriptor = open(part, O_RDWR | O_CREAT, 0o666)
        defer { close(descriptor) }
        #expect(flock(descriptor, LOCK_EX) == 0)
        #expect(throws: DownloadError.inUse(path: part)) { try download.fetch(to: target) }
        #expect(server.requests.isEmpty)
    }
}
