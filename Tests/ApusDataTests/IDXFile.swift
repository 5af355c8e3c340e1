import ApusFormats
import Foundation

/// Writes small IDX files.
enum IDXFile {
    static func bytes(_ dimensions: [Int], _ values: [UInt8], type: UInt8 = 8) -> Data {
        var data = Data([0, 0, type, UInt8(dimensions.count)])
        for dimension in dimensions { data += bigEndian(dimension) }
        return data + values
    }

    /// `data` as a gzip file of one stored (uncompressed) block.
    static func gzip(_ data: Data) -> Data {
        let length = UInt16(data.count)
        var file = Data([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1])
        file += littleEndian(UInt32(length) | UInt32(~length) << 16)
        file += data
        file += littleEndian(CRC32.checksum(data))
        return file + littleEndian(UInt32(length))
    }

    private static func bigEndian(_ value: Int) -> Data {
        Data([24, 16, 8, 0].map { UInt8(value >> $0 & 0xFF) })
    }

    private static func littleEndian(_ value: UInt32) -> Data {
        Data([0, 8, 16, 24].map { UInt8(value >> $0 & 0xFF) })
    }
}
