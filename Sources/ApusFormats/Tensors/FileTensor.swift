import Foundation

/// A tensor as files hold it: a name, a shape, and little-endian elements, the last index running fastest.
public struct FileTensor: Sendable, Equatable {
    public let name: String
    public let shape: [Int]
    public let elementType: ElementType
    /// `count` elements, one after the other; perhaps a part of a mapped file.
    public let bytes: Data

    /// Elements in all: 1 for a scalar, whose shape is empty.
    public var count: Int { shape.reduce(1, *) }

    /// `bytes` must hold as many elements as the shape says.
    public init(name: String, shape: [Int], elementType: ElementType, bytes: Data) {
        precondition(
            bytes.count == shape.reduce(elementType.byteCount, *), "\(name): bytes for another shape")
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.bytes = bytes
    }

    /// A tensor of single precision.
    public init(name: String, shape: [Int], floats: [Float]) {
        self.init(
            name: name, shape: shape, elementType: .float32, bytes: Self.bytes(of: floats.map(\.bitPattern)))
    }

    /// A tensor of 64-bit integers.
    public init(name: String, shape: [Int], integers: [Int64]) {
        self.init(name: name, shape: shape, elementType: .int64, bytes: Self.bytes(of: integers))
    }

    /// The same tensor under another name.
    public func named(_ name: String) -> FileTensor {
        FileTensor(name: name, shape: shape, elementType: elementType, bytes: bytes)
    }

    /// The elements in single precision: exact for the narrower types, rounded for the wider ones.
    public var floats: [Float] {
        switch elementType {
        case .float32: words(UInt32.self).map { Float(bitPattern: $0) }
        case .float64: words(UInt64.self).map { Float(Double(bitPattern: $0)) }
        case .float16: words(UInt16.self).map(Self.float(halfBits:))
        case .bfloat16: words(UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        case .int64, .int32, .int16, .int8, .uint8, .bool: wholeNumbers.map { Float($0) }
        }
    }

    /// The elements in double precision: exact but for whole numbers beyond 2^53.
    public var doubles: [Double] {
        switch elementType {
        case .float64: words(UInt64.self).map { Double(bitPattern: $0) }
        case .float32, .float16, .bfloat16: floats.map { Double($0) }
        case .int64, .int32, .int16, .int8, .uint8, .bool: wholeNumbers.map { Double($0) }
        }
    }

    /// The elements where they are whole numbers by their type; nil where they are floating point.
    public var integers: [Int64]? { elementType.isFloatingPoint ? nil : wholeNumbers }

    private var wholeNumbers: [Int64] {
        switch elementType {
        case .int64: words(Int64.self)
        case .int32: words(Int32.self).map { Int64($0) }
        case .int16: words(Int16.self).map { Int64($0) }
        case .int8: words(Int8.self).map { Int64($0) }
        case .uint8, .bool: words(UInt8.self).map { Int64($0) }
        case .float64, .float32, .float16, .bfloat16: []
        }
    }

    private func words<Word: FixedWidthInteger>(_: Word.Type) -> [Word] {
        let size = MemoryLayout<Word>.size
        return bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / size).map {
                Word(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * size, as: Word.self))
            }
        }
    }

    private static func bytes<Word: FixedWidthInteger>(of words: [Word]) -> Data {
        words.map(\.littleEndian).withUnsafeBytes { Data($0) }
    }

    /// The value of IEEE 754 half precision bits; Swift has no `Float16` on every processor.
    private static func float(halfBits bits: UInt16) -> Float {
        let sign = UInt32(bits >> 15) << 31
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits) & 0x3FF
        switch exponent {
        case 0:
            // Zero and subnormals: the fraction counts units of 2^-24.
            return Float(bitPattern: sign | (Float(fraction) * 0x1p-24).bitPattern)
        case 31: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
