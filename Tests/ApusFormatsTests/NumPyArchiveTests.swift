import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct NumPyArchiveTests {
    /// `numpy.savez` of NumPy 2.4, of `a` and `conv/weight`.
    private static let stored = base64(
        "UEsDBC0AAAAAAAAAIQBiAmVf//////////8FABQAYS5ucHkBABAAggAAAAAAAACCAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzog"
            + "J3x1MScsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgyLCksIH0gICAgICAgICAgICAgICAgICAgICAgICAg"
            + "ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAQJQSwMELQAAAAAAAAAhALfrltj//////////w8AFABjb252"
            + "L3dlaWdodC5ucHkBABAAhAAAAAAAAACEAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmNCcsICdmb3J0cmFuX29yZGVy"
            + "JzogRmFsc2UsICdzaGFwZSc6ICgxLCAxKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg"
            + "ICAgICAgICAgICAgICAKAAAAP1BLAQItAy0AAAAAAAAAIQBiAmVfggAAAIIAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBL"
            + "AQItAy0AAAAAAAAAIQC365bYhAAAAIQAAAAPAAAAAAAAAAAAAACAAbkAAABjb252L3dlaWdodC5ucHlQSwUGAAAAAAIAAgBw"
            + "AAAAfgEAAAAA")

    /// `numpy.savez_compressed` of the same.
    private static let deflated = base64(
        "UEsDBC0AAAAIAAAAIQBiAmVf//////////8FABQAYS5ucHkBABAAggAAAAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6l"
            + "oF5Taqiuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6mjoKtQoUAC5GJgBQSwMELQAAAAgAAAAhALfrltj/////"
            + "/////w8AFABjb252L3dlaWdodC5ucHkBABAAhAAAAAAAAABKAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Ce"
            + "ll9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6CoaaOgq1CmQDLgYGBnsAUEsBAi0DLQAAAAgAAAAhAGICZV9GAAAAggAA"
            + "AAUAAAAAAAAAAAAAAIABAAAAAGEubnB5UEsBAi0DLQAAAAgAAAAhALfrlthKAAAAhAAAAA8AAAAAAAAAAAAAAIABfQAAAGNv"
            + "bnYvd2VpZ2h0Lm5weVBLBQYAAAAAAgACAHAAAAAIAQAAAAA=")

    private static let contents = TensorFile([
        FileTensor(name: "a", shape: [2], elementType: .uint8, bytes: Data([1, 2])),
        FileTensor(name: "conv/weight", shape: [1, 1], floats: [0.5]),
    ])

    private static func base64(_ text: String) -> Data { Data(base64Encoded: text) ?? Data() }

    private func archive(_ entries: [(String, Data)]) throws -> Data {
        var bytes = Data()
        var writer = ZipWriter(name: "some.npz") { bytes.append($0) }
        for (name, contents) in entries { try writer.add(name, contents) }
        try writer.finish()
        return bytes
    }

    private func failure(_ file: Data) -> FormatError? {
        #expect(throws: FormatError.self) { try NumPyArchive.decode(file, name: "some.npz") }
    }

    @Test(arguments: [stored, deflated])
    func filesOfNumPyAreRead(file: Data) throws {
        #expect(try NumPyArchive.decode(file, name: "some.npz") == Self.contents)
    }

    @Test(arguments: [false, true])
    func whatIsWrittenIsReadBack(compressed: Bool) throws {
        let tensors = ElementType.allCases.filter { $0 != .bfloat16 }.map { type in
            FileTensor(
                name: "layer/\(type).weight é", shape: [2, 3], elementType: type,
                bytes: Data((0..<6 * type.byteCount).map { UInt8($0) }))
        }
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "some.npz")
        for file in [TensorFile(), TensorFile(tensors), Self.contents] {
            try NumPyArchive.write(file, to: url, compressed: compressed)
            #expect(try NumPyArchive.read(url) == file)
            #expect(
                try NumPyArchive.encode(file, compressed: compressed) == WholeFile.contents(of: url))
        }
    }

    @Test func compressionMakesRepetitionsSmall() throws {
        let zeros = TensorFile([
            FileTensor(name: "zeros", shape: [10_000], floats: Array(repeating: 0, count: 10_000))
        ])
        #expect(try NumPyArchive.encode(zeros).count > 40_000)
        let small = try NumPyArchive.encode(zeros, compressed: true)
        #expect(small.count < 1000)
        #expect(try NumPyArchive.decode(small, name: "zeros.npz") == zeros)
    }

    @Test func brainFloatsBecomeFloats() throws {
        let tensor = FileTensor(
            name: "b", shape: [2], elementType: .bfloat16, bytes: Data([128, 63, 64, 192]))
        let file = try NumPyArchive.decode(NumPyArchive.encode(TensorFile([tensor])), name: "b.npz")
        #expect(file == TensorFile([FileTensor(name: "b", shape: [2], floats: [1, -3])]))
    }

    @Test func equalNamesAreNotWritten() throws {
        let folder = try TemporaryFolder()
        let file = TensorFile(Self.contents.tensors + [Self.contents.tensors[0]])
        #expect(throws: TensorFileError.duplicateName("a")) {
            try NumPyArchive.write(file, to: folder.url.appending(path: "some.npz"))
        }
        #expect(try folder.names().isEmpty)
    }

    @Test func otherEntriesAreReported() throws {
        let numPy = try NumPy.encode(TensorFile([Self.contents.tensors[0]]))
        #expect(
            try failure(archive([("a.npy", numPy), ("readme.txt", Data())]))?.found == "the entry readme.txt")
        let error = try failure(archive([("a.npy", numPy.dropLast())]))
        #expect(error?.file == "some.npz, a.npy")
        #expect(error?.found == "1 bytes of elements")
    }

    @Test func damageIsReportedOrHarmless() throws {
        expectSurvivesDamage(of: Self.stored) { try NumPyArchive.decode($0, name: "damaged.npz") }
        expectSurvivesDamage(of: Self.deflated, limit: 6) { try NumPyArchive.decode($0, name: "damaged.npz") }
    }
}
