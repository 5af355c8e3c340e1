import ApusFormats
import Foundation

/// Writes small tar archives.
public enum TarFile {
    public static func bytes(_ files: [(name: String, contents: Data)]) -> Data {
        var archive = Data()
        for file in files {
            var header = Data(count: 512)
            func put(_ text: String, at place: Int) {
                header.replaceSubrange(place..<place + text.utf8.count, with: text.utf8)
            }
            func octal(_ number: Int, digits: Int) -> String {
                let text = String(number, radix: 8)
                return String(repeating: "0", count: digits - text.count) + text
            }
            put(file.name, at: 0)
            put("0000644", at: 100)
            put(octal(file.contents.count, digits: 11), at: 124)
            put(file.name.hasSuffix("/") ? "5" : "0", at: 156)
            put("ustar", at: 257)
            put("        ", at: 148)
            put(octal(header.reduce(0) { $0 + Int($1) }, digits: 6) + "\0 ", at: 148)
            archive += header + file.contents + Data(count: (512 - file.contents.count % 512) % 512)
        }
        return archive + Data(count: 1024)
    }

    /// `data` as a gzip file of stored (uncompressed) blocks.
    public static func gzip(_ data: Data) -> Data {
        func littleEndian(_ value: UInt32) -> Data { withUnsafeBytes(of: value.littleEndian) { Data($0) } }
        var file = Data([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3])
        for start in stride(from: 0, to: data.count, by: 0xFFFF) {
            let block = data.dropFirst(start).prefix(0xFFFF)
            file.append(start + block.count == data.count ? 1 : 0)
            file += littleEndian(UInt32(block.count) | UInt32(~UInt16(block.count)) << 16)
            file += block
        }
        return file + littleEndian(CRC32.checksum(data)) + littleEndian(UInt32(data.count))
    }
}
