import ApusFormats
import Foundation
import Testing

@Suite struct CRC32Tests {
    /// The check value of the CRC catalogue, and the empty message.
    @Test(arguments: [("123456789", 0xCBF4_3926 as UInt32), ("", 0), ("a", 0xE8B7_BE43)])
    func checksumsAreThePublishedOnes(text: String, expected: UInt32) {
        #expect(CRC32.checksum(Data(text.utf8)) == expected)
        #expect(CRC32.checksum(Array(text.utf8)) == expected)
    }

    @Test func piecesSumToTheWhole() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for cut in [0, 1, 7, 500, 999, 1000] {
            var sum = CRC32()
            sum.update(bytes[..<cut])
            sum.update(Data())
            sum.update(Data(bytes)[cut...])
            #expect(sum.checksum == CRC32.checksum(bytes))
        }
    }
}
