import Foundation

/// Where the central directory of a zip archive lies, from the record at the archive's end.
struct ZipDirectory {
    let offset: Int
    let size: Int
    /// Entries that it lists.
    let count: Int

    /// Bytes of the header of an entry, without its name.
    private static let headerSize = 46
    private static let endSize = 22
    private static let locatorSize = 20

    /// - Throws: `FormatError` where there is no such record, it spans several disks, or it speaks of bytes
    ///   that are not there.
    init(of bytes: Data, file: String) throws {
        let end = try Self.endRecord(of: bytes, file: file)
        var reader = ByteReader(bytes.dropFirst(end), file: file, base: end)
        _ = try reader.take(4)
        let disks: [UInt16] = [try reader.integer(), try reader.integer()]
        var countOnDisk = UInt64(try reader.integer(UInt16.self))
        var count = UInt64(try reader.integer(UInt16.self))
        var size = UInt64(try reader.integer(UInt32.self))
        var offset = UInt64(try reader.integer(UInt32.self))
        var limit = end
        var isWhole = disks.allSatisfy { $0 == 0 || $0 == .max }

        let locator = end - Self.locatorSize
        if locator >= 0, var wide = try Self.wideRecord(locatedAt: locator, in: bytes, file: file) {
            limit = wide.offset
            _ = try wide.take(16)
            let disks: [UInt32] = [try wide.integer(), try wide.integer()]
            isWhole = isWhole && disks == [0, 0]
            // A record that says less than its twin has all bits set there, and no two readers may differ.
            func merge(_ narrow: inout UInt64, saturated: UInt64) throws {
                let value: UInt64 = try wide.integer()
                guard narrow == saturated || narrow == value else {
                    throw wide.failure(found: "\(value)", expected: "\(narrow), as the last record says")
                }
                narrow = value
            }
            try merge(&countOnDisk, saturated: UInt64(UInt16.max))
            try merge(&count, saturated: UInt64(UInt16.max))
            try merge(&size, saturated: UInt64(UInt32.max))
            try merge(&offset, saturated: UInt64(UInt32.max))
        }
        guard isWhole, countOnDisk == count else {
            throw FormatError(
                file: file, offset: end, found: "a part of an archive of several disks",
                expected: "an archive in one file")
        }
        guard offset <= limit, size <= UInt64(limit) - offset else {
            throw FormatError(
                file: file, offset: end, found: "a central directory of \(size) bytes at byte \(offset)",
                expected: "one that ends before byte \(limit)")
        }
        guard count <= size / UInt64(Self.headerSize) else {
            throw FormatError(
                file: file, offset: end, found: "\(count) entries",
                expected: "as many as fit a central directory of \(size) bytes")
        }
        self.offset = Int(offset)
        self.size = Int(size)
        self.count = Int(count)
    }

    /// Where the last record begins: its comment reaches to the end of the file exactly.
    private static func endRecord(of bytes: Data, file: String) throws -> Int {
        let last = bytes.count - endSize
        for offset in stride(from: last, through: max(0, last - Int(UInt16.max)), by: -1) {
            var reader = ByteReader(bytes.dropFirst(offset), file: file, base: offset)
            guard try reader.integer(UInt32.self) == 0x0605_4B50 else { continue }
            _ = try reader.take(endSize - 6)
            if Int(try reader.integer(UInt16.self)) == reader.remaining { return offset }
        }
        throw FormatError(
            file: file, offset: bytes.count, found: "no end of a central directory",
            expected: "the last record of a zip archive")
    }

    /// A reader of the record of 64-bit sizes, nil where the archive has none.
    private static func wideRecord(
        locatedAt locator: Int, in bytes: Data, file: String
    ) throws -> ByteReader? {
        var reader = ByteReader(bytes.dropFirst(locator), file: file, base: locator)
        guard try reader.integer(UInt32.self) == 0x0706_4B50 else { return nil }
        _ = try reader.take(4)
        let offset: UInt64 = try reader.integer()
        guard offset <= locator else {
            throw reader.failure(
                found: "a record of 64-bit sizes at byte \(offset)", expected: "one before byte \(locator)")
        }
        let base = Int(offset)
        var record = ByteReader(
            bytes.prefix(locator).dropFirst(base), file: file, base: base, part: "the records")
        let start = record
        guard try record.integer(UInt32.self) == 0x0606_4B50, try record.integer(UInt64.self) >= 44 else {
            throw start.failure(found: "other bytes", expected: "the record of 64-bit sizes")
        }
        return start
    }
}
