import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct TensorFormatTests {
    private let folder: TemporaryFolder
    private let file = TensorFile([
        FileTensor(name: "weights", shape: [2, 2], floats: [1, 2.5, -3, 0])
    ])

    init() throws { folder = try TemporaryFolder() }

    private func url(_ name: String) -> URL { folder.url.appending(path: name) }

    private func recognized(_ bytes: Data) throws -> TensorFormat {
        try TensorFormat(of: bytes, name: "some")
    }

    private func archive(_ entries: [String]) throws -> Data {
        var bytes = Data()
        var writer = ZipWriter(name: "some.zip") { bytes.append($0) }
        for entry in entries { try writer.add(entry, Data([1])) }
        try writer.finish()
        return bytes
    }

    @Test(arguments: ["weights.safetensors", "weights.npy", "weights.npz", "weights.NPZ"])
    func theNameSaysHowAFileIsWritten(name: String) throws {
        try file.write(to: url(name))
        #expect(try TensorFile(contentsOf: url(name)) == file)
        let bytes = try WholeFile.contents(of: url(name))
        #expect(try recognized(bytes) == TensorFormat(nameOf: url(name)))
    }

    @Test(arguments: TensorFormat.allCases.filter(\.isWritable))
    func theContentsSayHowAFileIsRead(format: TensorFormat) throws {
        try file.write(to: url("weights.bin"), as: format)
        #expect(try recognized(WholeFile.contents(of: url("weights.bin"))) == format)
        #expect(try TensorFile(contentsOf: url("weights.bin")) == file)
    }

    @Test func filesWithoutTensorsAreRecognized() throws {
        for format in [TensorFormat.safetensors, .numpyArchive] {
            try TensorFile().write(to: url("none"), as: format)
            #expect(try recognized(WholeFile.contents(of: url("none"))) == format)
            #expect(try TensorFile(contentsOf: url("none")) == TensorFile())
        }
    }

    @Test func archivesAreToldApartByTheirEntries() throws {
        #expect(try recognized(archive(["a.npy", "b/c.npy"])) == .numpyArchive)
        #expect(try recognized(archive(["archive/data.pkl", "archive/data/0"])) == .pytorch)
        let other = try archive(["a.npy", "word/document.xml"])
        let error = #expect(throws: FormatError.self) { try recognized(other) }
        #expect(error?.found == "a zip archive of 2 entries")
        #expect(throws: FormatError.self) { try recognized(other.dropLast()) }
    }

    @Test(arguments: ["state-zip.pth", "state-legacy.pth"])
    func filesOfPyTorchAreRecognized(name: String) throws {
        let fixture = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/PyTorch/\(name)")
        let bytes = try WholeFile.contents(of: fixture)
        #expect(try recognized(bytes) == .pytorch)
        let misnamed = try folder.write(bytes, to: "state.npy")
        #expect(try TensorFile(contentsOf: misnamed) == PyTorchFile.read(fixture))
    }

    @Test func aHeaderMayBeAsLongAsAPickleBegins() throws {
        // 0x0280 bytes: 0x80 and 2 are the first bytes of a pickle as well.
        let header = "{}" + String(repeating: " ", count: 0x280 - 2)
        let bytes = Data([0x80, 2, 0, 0, 0, 0, 0, 0]) + Data(header.utf8)
        #expect(try recognized(bytes) == .safetensors)
        #expect(try recognized(Data([0x80, 2, 0x8A, 10]) + Data(header.utf8)) == .pytorch)
    }

    @Test(arguments: [[], [1], Array("{\"a\": 1}".utf8), Array(repeating: 0, count: 100)] as [[UInt8]])
    func otherFilesAreReported(bytes: [UInt8]) throws {
        let url = try folder.write(Data(bytes), to: "other.npy")
        let error = #expect(throws: FormatError.self) { try TensorFile(contentsOf: url) }
        #expect(error?.file == url.path)
        #expect(error?.expected == "a file of safetensors, NumPy or PyTorch")
    }

    @Test func whatCannotBeReadIsReported() {
        #expect(throws: FileError(path: url("none").path, operation: .open, code: ENOENT)) {
            try TensorFile(contentsOf: url("none"))
        }
        #expect(throws: FileError(path: folder.url.path, operation: .read, code: EISDIR)) {
            try TensorFile(contentsOf: folder.url)
        }
    }

    @Test func unknownExtensionsAreReported() throws {
        for name in ["weights.onnx", "weights"] {
            let error = #expect(throws: TensorFileError.self) { try file.write(to: url(name)) }
            #expect(error == .unknownExtension(file: url(name).path))
            let words = "has an unknown extension, expected one of .safetensors, .npy, .npz"
            #expect(error?.description == "\(url(name).path) \(words)")
        }
        #expect(try folder.names().isEmpty)
    }

    @Test(arguments: ["pt", "pth", "bin"])
    func pyTorchFilesAreReadOnly(ending: String) throws {
        let error = #expect(throws: TensorFileError.self) { try file.write(to: url("weights.\(ending)")) }
        #expect(error == .readOnly(.pytorch))
        #expect(
            error?.description
                == "files of pytorch are read, not written: expected one of .safetensors, .npy, .npz")
        #expect(try folder.names().isEmpty)
    }
}
