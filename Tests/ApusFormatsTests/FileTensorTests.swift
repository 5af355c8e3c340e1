import ApusFormats
import Foundation
import Testing

@Suite struct FileTensorTests {
    private static func tensor<Word: FixedWidthInteger>(_ type: ElementType, _ words: [Word]) -> FileTensor {
        let bytes = words.map(\.littleEndian).withUnsafeBytes { Data($0) }
        return FileTensor(name: "x", shape: [words.count], elementType: type, bytes: bytes)
    }

    @Test func halfPrecisionIsExact() {
        // Every pattern, against the definition in double precision (IEEE 754).
        let floats = Self.tensor(.float16, Array(UInt16.min...UInt16.max)).floats
        for (bits, float) in floats.enumerated() {
            let (exponent, fraction) = (bits >> 10 & 0x1F, Double(bits & 0x3FF))
            let magnitude =
                switch exponent {
                case 0: fraction * 0x1p-24
                case 31: fraction == 0 ? Double.infinity : .nan
                default: (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
                }
            let isSame = Double(float.magnitude) == magnitude || (float.isNaN && magnitude.isNaN)
            if !isSame || float.sign != (bits >> 15 == 0 ? .plus : .minus) {
                Issue.record("\(bits) is \(float), expected \(magnitude)")
            }
        }
        // Zero, the least and the largest subnormal, one, the largest number, infinity.
        let known = Self.tensor(.float16, [0x8000, 0x0001, 0x03FF, 0x3C00, 0x7BFF, 0xFC00] as [UInt16]).floats
        #expect(known == [-0.0, 0x1p-24, 0x1p-14 - 0x1p-24, 1, 65504, -.infinity])
    }

    @Test func brainFloatsAreTheUpperHalvesOfFloats() {
        let floats = Self.tensor(.bfloat16, Array(UInt16.min...UInt16.max)).floats
        #expect(floats.map(\.bitPattern) == (0...0xFFFF).map { $0 << 16 })
        let known = Self.tensor(.bfloat16, [0x3F80, 0xC040, 0x0001, 0x7F80] as [UInt16]).floats
        #expect(known == [1, -3, 0x1p-133, .infinity])
    }

    @Test func singlePrecisionKeepsItsBits() {
        let patterns: [UInt32] = [0, 0x8000_0000, 1, 0x7F7F_FFFF, 0xFF80_0000, 0x7FC0_0001, 0x3F80_0001]
        #expect(Self.tensor(.float32, patterns).floats.map(\.bitPattern) == patterns)
        let floats: [Float] = [0.1, -1.5, .infinity]
        #expect(FileTensor(name: "x", shape: [3], floats: floats).floats == floats)
    }

    @Test func doublePrecisionIsRounded() {
        let values = [0.1, 1 + 0x1p-24, 1 + 0x1.8p-24, 1e300, -1e-300, .infinity]
        let floats = Self.tensor(.float64, values.map(\.bitPattern)).floats
        #expect(floats == [0.1, 1, 1 + 0x1p-23, .infinity, -0, .infinity])
        let nan = Self.tensor(.float64, [Double.nan.bitPattern]).floats
        #expect(nan.count == 1 && nan[0].isNaN)
    }

    @Test func doublesAreExactForEveryType() {
        let values = [0.1, 1 + 0x1p-52, 1e300, -.infinity]
        #expect(Self.tensor(.float64, values.map(\.bitPattern)).doubles == values)
        #expect(FileTensor(name: "x", shape: [2], floats: [0.1, -3]).doubles == [Double(Float(0.1)), -3])
        #expect(Self.tensor(.bfloat16, [0x3F80, 0x0001] as [UInt16]).doubles == [1, 0x1p-133])
        #expect(Self.tensor(.float16, [0x0001] as [UInt16]).doubles == [0x1p-24])
        #expect(Self.tensor(.int64, [(1 << 53) - 1, Int64.min]).doubles == [0x1p53 - 1, -0x1p63])
        #expect(Self.tensor(.bool, [0, 1] as [UInt8]).doubles == [0, 1])
    }

    @Test func wholeNumbersAreExact() {
        #expect(Self.tensor(.int64, [Int64.min, -1, .max]).integers == [.min, -1, .max])
        #expect(Self.tensor(.int32, [Int32.min, -1, .max]).integers == [-2_147_483_648, -1, 2_147_483_647])
        #expect(Self.tensor(.int16, [Int16.min, -1, .max]).integers == [-32768, -1, 32767])
        #expect(Self.tensor(.int8, [Int8.min, -1, .max]).integers == [-128, -1, 127])
        #expect(Self.tensor(.uint8, [0, 255] as [UInt8]).integers == [0, 255])
        #expect(Self.tensor(.bool, [0, 1] as [UInt8]).integers == [0, 1])
        #expect(Self.tensor(.int32, [-3, 16_777_217] as [Int32]).floats == [-3, 16_777_216])
        #expect(FileTensor(name: "x", shape: [2], integers: [-5, 1 << 40]).integers == [-5, 1 << 40])
        #expect(FileTensor(name: "x", shape: [1], floats: [2]).integers == nil)
    }

    @Test func elementsAreReadFromAnyPlaceInAFile() {
        let bytes = (Data([7]) + FileTensor(name: "", shape: [2], floats: [1, -2]).bytes).dropFirst()
        #expect(FileTensor(name: "x", shape: [2], elementType: .float32, bytes: bytes).floats == [1, -2])
    }

    @Test func bytesOfAShapeAreCountedOrBeyondCounting() {
        #expect(ElementType.float32.byteCount(of: []) == 4)
        #expect(ElementType.float16.byteCount(of: [2, 3]) == 12)
        #expect(ElementType.int64.byteCount(of: [5, 0]) == 0)
        #expect(ElementType.uint8.byteCount(of: [.max]) == .max)
        #expect(ElementType.int16.byteCount(of: [.max]) == nil)
        #expect(ElementType.uint8.byteCount(of: [2, -1]) == nil)
        #expect(ElementType.uint8.byteCount(of: [0, .max, .max]) == nil)
    }
}
