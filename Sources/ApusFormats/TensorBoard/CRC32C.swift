/// The CRC-32C (Castagnoli) of bytes: the polynomial 0x1EDC6F41, reflected, that iSCSI and TFRecord use; zlib has
/// another one.
package enum CRC32C {
    /// What a byte does to a sum of zero.
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
    }

    package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { sum, byte in sum >> 8 ^ table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)]
        }
    }

    /// The sum as TFRecord stores it: turned by 15 bits and moved, so that a sum over data that holds sums is one too.
    package static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let sum = checksum(bytes)
        return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
    }
}
