import CVectorKernels
import Foundation

/// Random numbers by counter: the value at (seed, purpose, epoch, sample, index) is a pure function of
/// those five, so it depends neither on threads nor on what was drawn before.
///
/// The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011, "Parallel Random Numbers: As Easy
/// as 1, 2, 3").
public struct CounterRandom: Sendable {
    /// What a stream of random numbers is for; streams of different purposes never share a value.
    public struct Purpose: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        public static let initialization = Purpose(rawValue: 1)
        public static let shuffle = Purpose(rawValue: 2)
        public static let dropout = Purpose(rawValue: 3)
        public static let augmentation = Purpose(rawValue: 4)
        public static let synthesis = Purpose(rawValue: 5)
        public static let mixup = Purpose(rawValue: 6)
        public static let sampling = Purpose(rawValue: 16)
        /// Noise on images that are explained.
        public static let smoothing = Purpose(rawValue: 17)
    }

    private let key: (UInt32, UInt32)
    private let stream: (UInt32, UInt32, UInt32)

    /// The stream of `purpose` at one epoch and sample; `unit` tells apart layers that serve the same
    /// purpose. Epochs and samples count to 2^32, units to 2^16; higher bits are dropped.
    public init(seed: UInt64, purpose: Purpose, unit: Int = 0, epoch: Int = 0, sample: Int = 0) {
        key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        stream = (
            UInt32(purpose.rawValue) << 16 | UInt32(truncatingIfNeeded: unit & 0xFFFF),
            UInt32(truncatingIfNeeded: epoch), UInt32(truncatingIfNeeded: sample)
        )
    }

    /// Four random words; `block` is the place in the stream.
    @inline(__always)
    public func words(block: Int) -> SIMD4<UInt32> {
        var counter = SIMD4(UInt32(truncatingIfNeeded: block), stream.0, stream.1, stream.2)
        var (key0, key1) = key
        for _ in 0..<10 {
            let product0 = UInt64(counter.x) &* 0xD251_1F53
            let product1 = UInt64(counter.z) &* 0xCD9E_8D57
            counter = SIMD4(
                UInt32(truncatingIfNeeded: product1 >> 32) ^ counter.y ^ key0,
                UInt32(truncatingIfNeeded: product1),
                UInt32(truncatingIfNeeded: product0 >> 32) ^ counter.w ^ key1,
                UInt32(truncatingIfNeeded: product0))
            key0 &+= 0x9E37_79B9
            key1 &+= 0xBB67_AE85
        }
        return counter
    }

    /// The stream for the vector loops.
    var words: apus_random { apus_random(key: key, stream: stream) }

    /// The word at `index` of the stream.
    public func word(at index: Int) -> UInt32 { words(block: index >> 2)[index & 3] }

    /// Uniform in [0, 1), with 24 random bits.
    public func uniform(at index: Int) -> Float { Float(word(at: index) >> 8) * 0x1p-24 }

    /// Writes what `uniform` gives at `first` and the places after it, four words at a time.
    @unsafe
    func fillUniform(_ output: UnsafeMutablePointer<Float>, count: Int, from first: Int) {
        var index = 0
        while index < count {
            let words = words(block: (first + index) >> 2)
            for lane in (first + index) & 3..<4 where index < count {
                unsafe output[index] = Float(words[lane] >> 8) * 0x1p-24
                index += 1
            }
        }
    }

    /// Standard normal, by Box and Muller's transform of words `2 * index` and `2 * index + 1`.
    public func normal(at index: Int) -> Float {
        let block = words(block: index >> 1)
        let (first, second) = index & 1 == 0 ? (block.x, block.y) : (block.z, block.w)
        let radius = log(Double(first) * 0x1p-32 + 0x1p-33)
        let angle = 2 * Double.pi * Double(second) * 0x1p-32
        return Float((-2 * radius).squareRoot() * cos(angle))
    }

    /// Uniform in 0..<bound without bias worth the name: bound / 2^64 at most.
    public func integer(below bound: Int, at index: Int) -> Int {
        let block = words(block: index >> 1)
        let (low, high) = index & 1 == 0 ? (block.x, block.y) : (block.z, block.w)
        let word = UInt64(high) << 32 | UInt64(low)
        return Int(word.multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A random order of 0..<count (Fisher and Yates).
    public func permutation(count: Int) -> [Int] {
        var order = Array(0..<count)
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, integer(below: last + 1, at: last))
        }
        return order
    }
}
