import ApusData
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite struct IDXTests {
    /// Three images of two by two pixels.
    private static let plain = IDXFile.bytes([3, 2, 2], Array(1...12))
    private static let compressed = IDXFile.gzip(plain)

    private func parse(_ data: Data, rank: Int = 3) throws -> IDX {
        try IDX.parse(data, name: "some-idx", rank: rank)
    }

    private func isTyped(_ error: any Error) -> Bool { error is DataError || error is FormatError }

    @Test(arguments: [plain, compressed])
    func dimensionsAndValuesAreRead(file: Data) throws {
        let idx = try parse(file)
        #expect(idx.dimensions == [3, 2, 2])
        #expect(idx.values == Array(1...12))
    }

    @Test func theBytesTellCompressionNotTheName() throws {
        let folder = try TemporaryFolder()
        let misnamedPlain = try folder.write(Self.plain, to: "plain.gz")
        let misnamedCompressed = try folder.write(Self.compressed, to: "compressed")
        #expect(try IDX.read(misnamedPlain, rank: 3) == IDX.read(misnamedCompressed, rank: 3))
    }

    @Test func aMissingFileIsReported() {
        let url = URL(fileURLWithPath: "/nowhere/train-images-idx3-ubyte")
        #expect(throws: FileError(path: url.path, operation: .open, code: ENOENT)) {
            try IDX.read(url, rank: 3)
        }
    }

    @Test(arguments: 0..<plain.count)
    func aTruncatedPlainFileIsReported(length: Int) {
        let expected = length < 16 ? 16 : Self.plain.count
        #expect(throws: DataError.truncated(file: "some-idx", found: length, expected: expected)) {
            try parse(Self.plain.prefix(length))
        }
    }

    @Test(arguments: 0..<compressed.count)
    func aTruncatedCompressedFileIsReported(length: Int) {
        #expect {
            try parse(Self.compressed.prefix(length))
        } throws: {
            isTyped($0)
        }
    }

    @Test(arguments: [plain, compressed], [0x01, 0x04, 0x80, 0xFF] as [UInt8])
    func changedBytesAreReportedOrHarmless(file: Data, flip: UInt8) {
        for position in file.indices {
            var damaged = file
            damaged[position] ^= flip
            do {
                let idx = try parse(damaged)
                #expect(idx.values.count == idx.dimensions.reduce(1, *))
            } catch {
                #expect(isTyped(error), "byte \(position): \(error)")
            }
        }
    }

    @Test func aWrongMagicIsReportedInHexadecimal() {
        let error = #expect(throws: DataError.self) { try parse(IDXFile.bytes([12], Array(1...12))) }
        #expect(
            error?.description == "some-idx, byte 0: found 0x00000801, "
                + "expected 0x00000803 (IDX, unsigned bytes, rank 3)")
        let floats = IDXFile.bytes([1, 2, 2], [1, 2, 3, 4], type: 0x0D)
        #expect(
            throws: DataError.wrongMagic(
                file: "some-idx", found: "0x00000d03",
                expected: "0x00000803 (IDX, unsigned bytes, rank 3)")
        ) { try parse(floats) }
    }

    @Test func trailingBytesAreReported() {
        for file in [Self.plain + [7], IDXFile.gzip(Self.plain + [7]), Self.plain + Data(count: 1000)] {
            #expect(throws: DataError.trailingBytes(file: "some-idx", expected: 28)) { try parse(file) }
        }
        #expect(throws: FormatError.self) { try parse(Self.compressed + [7]) }
    }

    @Test func sizesBeyondTheFileTakeNoMemory() {
        let huge = IDXFile.bytes([1 << 20, 1 << 20, 1 << 20], [1, 2, 3])
        let total = 16 + 1 << 60
        for file in [huge, IDXFile.gzip(huge)] {
            #expect(throws: DataError.truncated(file: "some-idx", found: 19, expected: total)) {
                try parse(file)
            }
        }
        let largest = 0xFFFF_FFFF
        let uncountable = IDXFile.bytes([largest, largest, largest], [1, 2, 3])
        for file in [uncountable, IDXFile.gzip(uncountable)] {
            #expect(
                throws: DataError.absurdSizes(file: "some-idx", dimensions: [largest, largest, largest])
            ) { try parse(file) }
        }
    }
}
