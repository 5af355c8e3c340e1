import ApusFormats
import Foundation
import Testing

@Suite("TensorBoard's events")
struct TensorBoardEventsTests {
    @Test(
        "CRC-32C has the sums of RFC 3720, appendix B.4",
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E),
            (Array((0..<32).reversed()), 0x113F_DB5C),
            (Array("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)])
    func checksums(bytes: [UInt8], sum: UInt32) {
        #expect(CRC32C.checksum(bytes) == sum)
    }

    @Test("A masked sum is the sum turned right by 15 bits, and a constant added")
    func masked() {
        let sum: UInt32 = 0xE306_9283
        let turned = UInt32((UInt64(sum) << 32 | UInt64(sum)) >> 15 & 0xFFFF_FFFF)
        #expect(CRC32C.masked("123456789".utf8) == turned &+ 0xA282_EAD8)
    }

    @Test(
        "Varints have seven bits a byte, and negative numbers ten bytes",
        arguments: [
            (0, [0x08, 0x00]), (1, [0x08, 0x01]), (127, [0x08, 0x7F]), (128, [0x08, 0x80, 0x01]),
            (300, [0x08, 0xAC, 0x02]),
            (-1, [0x08] + [UInt8](repeating: 0xFF, count: 9) + [0x01]),
        ] as [(Int64, [UInt8])])
    func varints(value: Int64, bytes: [UInt8]) {
        var message = ProtobufMessage()
        message.add(1, value)
        #expect(Array(message.bytes) == bytes)
    }

    @Test("Fields say their number and type, and messages inside others their length")
    func fields() {
        var inner = ProtobufMessage()
        inner.add(1, "ab")
        inner.add(16, Float(1))
        var message = ProtobufMessage()
        message.add(2, inner)
        message.add(3, 1.0)
        #expect(
            Array(message.bytes) == [
                0x12, 10, 0x0A, 2, 0x61, 0x62, 0x85, 0x01, 0, 0, 0x80, 0x3F,
                0x19, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F,
            ])
    }

    @Test("An event is framed by its length and two sums, byte for byte")
    func framed() {
        let event = EventRecord(.scalars([("a", 0.5)]), step: 3, wallTime: 1)
        let message: [UInt8] = [
            0x09, 0, 0, 0, 0, 0, 0, 0xF0, 0x3F,  // wall_time 1
            0x10, 3,  // step 3
            0x2A, 10, 0x0A, 8, 0x0A, 1, 0x61, 0x15, 0, 0, 0, 0x3F,  // summary: a is 0.5
        ]
        let length: [UInt8] = [UInt8(message.count), 0, 0, 0, 0, 0, 0, 0]
        func sum(_ bytes: [UInt8]) -> [UInt8] {
            let sum = CRC32C.masked(bytes)
            return (0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * $0)) }
        }
        #expect(Array(event.framed) == length + sum(length) + message + sum(message))
    }

    @Test("A file begins with its version, and what goes on with the start of a session")
    func beginnings() {
        let version = EventRecord(.version, step: 0, wallTime: 0).framed
        #expect(version.dropFirst(12 + 9).prefix(15) == Data([0x1A, 13] + Array("brain.Event:2".utf8)))
        let start = EventRecord(.start, step: 5, wallTime: 0).framed
        #expect(start.dropFirst(12 + 9).prefix(6) == Data([0x10, 5, 0x3A, 2, 0x08, 1]))
    }
}
