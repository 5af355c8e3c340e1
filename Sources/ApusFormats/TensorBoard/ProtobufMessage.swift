import Foundation

/// A message of Protocol Buffers, written field by field.
package struct ProtobufMessage {
    package private(set) var bytes = Data()

    package init() {}

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case fixed32 = 5
    }

    package mutating func add(_ field: Int, _ value: Int64) {
        addTag(field, .varint)
        addVarint(UInt64(bitPattern: value))
    }

    package mutating func add(_ field: Int, _ value: Double) {
        addTag(field, .fixed64)
        bytes.append(fields: value.bitPattern)
    }

    package mutating func add(_ field: Int, _ value: Float) {
        addTag(field, .fixed32)
        bytes.append(fields: value.bitPattern)
    }

    package mutating func add(_ field: Int, _ text: String) { add(field, Data(text.utf8)) }
    package mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.bytes) }

    private mutating func add(_ field: Int, _ data: Data) {
        addTag(field, .lengthDelimited)
        addVarint(UInt64(data.count))
        bytes.append(data)
    }

    private mutating func addTag(_ field: Int, _ type: WireType) {
        addVarint(UInt64(field) << 3 | type.rawValue)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    private mutating func addVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
