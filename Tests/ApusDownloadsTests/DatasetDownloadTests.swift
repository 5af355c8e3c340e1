import ApusData
import ApusDownloads
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("Published datasets") struct DatasetDownloadTests {
    private static func dataset(_ name: String) throws -> DatasetDownload {
        try #require(DatasetDownload.all.first { $0.name == name })
    }

    /// An IDX file of zeros.
    private static func idx(_ dimensions: [Int]) -> Data {
        Data([0, 0, 8, UInt8(dimensions.count)])
            + dimensions.flatMap { size in [24, 16, 8, 0].map { UInt8(size >> $0 & 0xFF) } }
            + Data(count: dimensions.reduce(1, *))
    }

    @Test("Its files are fetched, read and counted, and said how to be loaded")
    func mnist() throws {
        let (server, folder) = (try LocalServer(), try TemporaryFolder())
        let target = folder.url.appending(path: "a/b")
        func serve(train: Int) {
            for (prefix, count) in [("train", train), ("t10k", 10_000)] {
                server.serve(Self.idx([count, 2, 2]), as: "data/\(prefix)-images-idx3-ubyte.gz")
                server.serve(Self.idx([count]), as: "data/\(prefix)-labels-idx1-ubyte.gz")
            }
        }
        serve(train: 60_000)
        var files: [String] = []
        let data = try Self.dataset("mnist").takingAnyFiles().fetch(
            into: target, from: server.url + "data",
            onFile: { file, outcome in
                #expect(outcome == .fetched(kept: 0))
                files.append(file)
            })
        #expect(data == .mnist(folder: target.path))
        #expect(files.count == 4 && server.requests == files.map { "data/\($0)" })
        #expect(try data.loadTest().count == 10_000)

        serve(train: 59_999)
        let other = folder.url.appending(path: "c")
        let error = #expect(throws: FormatError.self) {
            try Self.dataset("mnist").takingAnyFiles().fetch(into: other, from: server.url + "data/")
        }
        #expect(error?.found == "59999 images to train on and 10000 to test on")
    }

    @Test("Files that are not those of the sums are refused", arguments: DatasetDownload.all.map(\.name))
    func sums(name: String) throws {
        let (server, folder) = (try LocalServer(), try TemporaryFolder())
        for file in ["train-images-idx3-ubyte.gz", "cifar-10-binary.tar.gz"] {
            server.serve(Data("something else".utf8), as: file)
        }
        let error = #expect(throws: DownloadError.self) {
            try Self.dataset(name).fetch(into: folder.url, from: server.url)
        }
        if case .wrongSum? = error {} else { Issue.record("\(error.debugDescription)") }
    }

    @Test(
        "An archive that does not hold what it should, or leads elsewhere, is refused",
        arguments: [
            "../data_batch_1.bin", "/tmp/apus-test", "a/../../b",
        ])
    func archives(name: String) throws {
        let (server, folder) = (try LocalServer(), try TemporaryFolder())
        let target = folder.url.appending(path: "cifar10")
        let tar = TarFile.bytes([(name, Data([1, 2, 3]))])
        server.serve(TarFile.gzip(tar), as: "cifar-10-binary.tar.gz")
        let error = #expect(throws: FormatError.self) {
            try Self.dataset("cifar10").takingAnyFiles().fetch(into: target, from: server.url)
        }
        #expect(error?.found == "a file called \(name)")
        #expect(try folder.names() == ["cifar10"])
    }

    @Test("An archive's files come to lie beside it")
    func unpacking() throws {
        let (server, folder) = (try LocalServer(), try TemporaryFolder())
        let names = (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"]
        let tar = TarFile.bytes(names.map { ("cifar-10-batches-bin/\($0)", Data(count: 2 * 3073)) })
        server.serve(TarFile.gzip(tar), as: "cifar-10-binary.tar.gz")
        let error = #expect(throws: FormatError.self) {
            try Self.dataset("cifar10").takingAnyFiles().fetch(into: folder.url, from: server.url)
        }
        #expect(error?.found == "10 images to train on and 2 to test on")
        #expect(try folder.names() == ["cifar-10-batches-bin", "cifar-10-binary.tar.gz"])
    }
}
