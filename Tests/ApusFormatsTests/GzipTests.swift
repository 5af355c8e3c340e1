import ApusFormats
import Foundation
import Testing

@Suite struct GzipTests {
    private static let text = Data(
        "the quick brown fox jumps over the lazy dog; the quick brown fox sleeps".utf8)

    /// `text` as Python's zlib compresses it.
    private static let file = base64(
        "H4sIAAAAAAACAyvJSFUoLM1MzlZIKsovz1NIy69QyCrNLShWyC9LLVIoAUrnJFZVKqTkp1uDeeiKi3NSUwuKAX2gA8NHAAAA")

    /// 100,000 zeros, likewise.
    private static let zeros = base64(
        "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIBXA32VEdSghgEA")

    private static func base64(_ text: String) -> Data { Data(base64Encoded: text) ?? Data() }

    private func failure(_ bytes: Data, limit: Int = 1000) -> FormatError? {
        #expect(throws: FormatError.self) { try Gzip.decompress(bytes, name: "some.gz", limit: limit) }
    }

    @Test func contentsAreDecompressed() throws {
        #expect(try Gzip.decompress(Self.file, name: "some.gz", limit: Self.text.count) == Self.text)
        #expect(try Gzip.decompress(Self.zeros, name: "some.gz", limit: .max) == Data(count: 100_000))
    }

    @Test func aSliceOfAFileIsReadFromItsOwnBeginning() throws {
        let slice = (Data([9, 9, 9]) + Self.file).dropFirst(3)
        #expect(try Gzip.decompress(slice, name: "some.gz", limit: 1000) == Self.text)
    }

    @Test(arguments: [0, 1, 65_536, 65_537, 99_999])
    func contentsBeyondTheLimitAreRefused(limit: Int) {
        let error = failure(Self.zeros, limit: limit)
        #expect(error?.found == "more than \(limit) bytes when decompressed")
        #expect(error?.expected == "at most \(limit)")
    }

    @Test(arguments: [0, 1, 70_000, 99_999, 100_000, 100_001, Int.max])
    func aPrefixIsNoLongerThanAsked(count: Int) throws {
        let prefix = try Gzip.prefix(Self.zeros, name: "some.gz", count: count)
        #expect(prefix == Data(count: min(count, 100_000)))
    }

    @Test(arguments: 0..<file.count)
    func aTruncatedFileIsReported(length: Int) {
        let error = failure(Self.file.prefix(length))
        if length >= 2 {
            let expected = FormatError(
                file: "some.gz", offset: length, found: "the end of the file",
                expected: "the rest of the compressed data")
            #expect(error == expected)
        }
    }

    @Test func aFileOfAnotherFormatIsReported() {
        #expect(
            failure(Data([0x50, 0x4B, 3, 4]))?.description
                == "some.gz, byte 0: found 50 4b, expected 1f 8b, the mark of gzip")
        #expect(failure(Data())?.found == "no bytes")
    }

    @Test(arguments: 0..<file.count)
    func aChangedByteIsReportedOrHarmless(position: Int) {
        for flip in [0x01, 0x10, 0x80, 0xFF] as [UInt8] {
            var damaged = Self.file
            damaged[position] ^= flip
            do {
                let contents = try Gzip.decompress(damaged, name: "some.gz", limit: 1000)
                #expect(contents == Self.text)
                #expect(position < 10, "only the header holds bytes without meaning for the contents")
            } catch {
                #expect(error is FormatError)
            }
        }
    }

    @Test(arguments: [1, 4, 8])
    func aWrongChecksumOrLengthIsReported(fromTheEnd: Int) {
        var damaged = Self.file
        damaged[damaged.count - fromTheEnd] ^= 1
        #expect(failure(damaged)?.found.hasPrefix("damaged data (incorrect") == true)
    }

    @Test func bytesAfterTheEndAreReported() {
        let garbage = failure(Self.file + Data([1, 2, 3]))
        #expect(garbage?.offset == Self.file.count)
        #expect(garbage?.found == "3 bytes more")
        #expect(failure(Self.file + Self.file)?.found == "a second gzip member")
    }
}
