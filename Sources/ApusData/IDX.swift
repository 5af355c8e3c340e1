import ApusFormats
import Foundation

/// The contents of an IDX file of bytes (LeCun, Cortes and Burges, 1998, "The MNIST database of handwritten
/// digits"): the magic 0, 0, type, rank; the dimensions as big-endian 32-bit integers; the values, last
/// dimension fastest.
package struct IDX: Equatable, Sendable {
    package let dimensions: [Int]
    package let values: [UInt8]

    /// Reads a file of `rank` dimensions, plain or gzip, told apart by its bytes.
    ///
    /// - Throws: `FileError`, `FormatError` for damaged gzip, `DataError` for wrong IDX.
    package static func read(_ url: URL, rank: Int) throws -> IDX {
        try parse(WholeFile.contents(of: url), name: url.path, rank: rank)
    }

    /// Parses the bytes of a whole file; `name` is the file's name in errors.
    package static func parse(_ file: Data, name: String, rank: Int) throws -> IDX {
        let isCompressed = Gzip.isGzip(file)
        /// At most `count` bytes; fewer only where the whole contents are fewer.
        func contents(prefix count: Int) throws -> Data {
            isCompressed ? try Gzip.prefix(file, name: name, count: count) : file.prefix(count)
        }
        let headerBytes = 4 + 4 * rank
        let dimensions = try parseHeader(contents(prefix: headerBytes), name: name, rank: rank)
        guard let expected = totalBytes(header: headerBytes, dimensions), expected < .max else {
            throw DataError.absurdSizes(file: name, dimensions: dimensions)
        }
        // One byte more than promised tells whether the file goes on.
        let all = try contents(prefix: expected + 1)
        guard all.count >= expected else {
            throw DataError.truncated(file: name, found: all.count, expected: expected)
        }
        guard all.count == expected else { throw DataError.trailingBytes(file: name, expected: expected) }
        return IDX(dimensions: dimensions, values: Array(all.dropFirst(headerBytes)))
    }

    private static func parseHeader(_ header: Data, name: String, rank: Int) throws -> [Int] {
        let unsignedByte: UInt8 = 0x08
        let magic = [0, 0, unsignedByte, UInt8(rank)]
        let found = Array(header.prefix(4))
        guard magic.starts(with: found) else {
            throw DataError.wrongMagic(
                file: name, found: hex(found), expected: "\(hex(magic)) (IDX, unsigned bytes, rank \(rank))")
        }
        let headerBytes = 4 + 4 * rank
        guard header.count == headerBytes else {
            throw DataError.truncated(file: name, found: header.count, expected: headerBytes)
        }
        let bytes = Array(header)
        return (1...rank).map { axis in
            bytes[(4 * axis)..<(4 * axis + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
    }

    /// Bytes of the file that the header promises, nil where they are beyond counting.
    private static func totalBytes(header: Int, _ dimensions: [Int]) -> Int? {
        var count = 1
        for dimension in dimensions {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            if overflow { return nil }
            count = product
        }
        let (total, overflow) = count.addingReportingOverflow(header)
        return overflow ? nil : total
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        "0x" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
