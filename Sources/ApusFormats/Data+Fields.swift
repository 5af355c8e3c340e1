import Foundation

extension Data {
    /// Appends little-endian fields of one width.
    mutating func append<Word: FixedWidthInteger>(fields: Word...) {
        for field in fields {
            Swift.withUnsafeBytes(of: field.littleEndian) { append(contentsOf: $0) }
        }
    }
}
