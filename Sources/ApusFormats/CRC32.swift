import CZlib
import Foundation

/// The 32-bit cyclic redundancy check of gzip, PNG and Ethernet, fed piece by piece.
public struct CRC32: Sendable {
    /// The checksum of the bytes so far.
    public private(set) var checksum: UInt32 = 0

    public init() {}

    /// Adds `bytes` to those summed so far.
    public mutating func update(_ bytes: some DataProtocol) {
        var sum = UInt(checksum)
        for region in bytes.regions {
            region.withUnsafeBytes { bytes in
                // A null pointer would ask zlib for the initial value instead.
                guard let base = bytes.baseAddress else { return }
                sum = crc32_z(sum, base.assumingMemoryBound(to: UInt8.self), bytes.count)
            }
        }
        checksum = UInt32(sum)
    }

    /// The checksum of `bytes`.
    public static func checksum(_ bytes: some DataProtocol) -> UInt32 {
        var sum = CRC32()
        sum.update(bytes)
        return sum.checksum
    }
}
