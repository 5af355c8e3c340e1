/// The splitmix64 generator of Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators".
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        defer { state &+= 0x9E37_79B9_7F4A_7C15 }
        return Self.hash(state)
    }

    /// The first output of a generator seeded with `seed`.
    public static func hash(_ seed: UInt64) -> UInt64 {
        var z = seed &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Small whole numbers, the same for the same seed.
///
/// A sum of products is exact in Float, in whatever order, as long as the number of its terms times the
/// square of the largest magnitude stays below 2^24: at the default range, up to a million terms.
public func integers(count: Int, seed: UInt64, range: ClosedRange<Int> = -4...4) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float(Int.random(in: range, using: &generator)) }
}

/// Floats uniform in [-1, 1), the same for the same seed.
public func uniformFloats(count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in unitFloat(generator.next()) }
}

/// A multiple of 2^-23 in [-1, 1) from the upper 24 bits of a word, without rounding.
func unitFloat(_ word: UInt64) -> Float { Float(Int(word >> 40) - (1 << 23)) * 0x1p-23 }
