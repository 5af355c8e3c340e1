import Foundation

/// The 256-bit hash of NIST's FIPS 180-4 (2015, "Secure Hash Standard"), fed piece by piece.
public struct SHA256: Sendable {
    private static let blockLength = 64

    /// The first 32 bits of the fractions of the square roots of the first eight primes.
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    /// Bytes of a block that is not full yet.
    private var pending: [UInt8] = []
    private var count = 0

    public init() {}

    /// Adds `bytes` to those hashed so far.
    public mutating func update(_ bytes: some DataProtocol) {
        for region in bytes.regions { region.withUnsafeBytes { update($0) } }
    }

    private mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = rest.prefix(Self.blockLength - pending.count)
            pending += missing
            rest = rest.dropFirst(missing.count)
            guard pending.count == Self.blockLength else { return }
            pending.withUnsafeBytes { Self.mix($0, into: &state) }
            pending.removeAll(keepingCapacity: true)
        }
        while rest.count >= Self.blockLength {
            let block = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.blockLength))
            Self.mix(block, into: &state)
            rest = rest.dropFirst(Self.blockLength)
        }
        pending += rest
    }

    /// The hash of the bytes so far, in hexadecimal.
    public var digest: String {
        var last = self
        // A bit that is set, zeros, and the length in bits fill up the last block.
        let zeros = (119 - count % Self.blockLength) % Self.blockLength
        let length = withUnsafeBytes(of: UInt64(8 * count).bigEndian) { Array($0) }
        last.update([0x80] + [UInt8](repeating: 0, count: zeros) + length)
        return last.state.map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }

    /// The hash of `bytes`, in hexadecimal.
    public static func digest(_ bytes: some DataProtocol) -> String {
        var hash = SHA256()
        hash.update(bytes)
        return hash.digest
    }

    private static func mix(_ block: UnsafeRawBufferPointer, into state: inout [UInt32]) {
        func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
            for index in 0..<16 {
                words[index] = UInt32(
                    bigEndian: block.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
            }
            for index in 16..<64 {
                let (near, far) = (words[index - 15], words[index - 2])
                let first = rotated(near, 7) ^ rotated(near, 18) ^ near >> 3
                let second = rotated(far, 17) ^ rotated(far, 19) ^ far >> 10
                words[index] = words[index - 16] &+ first &+ words[index - 7] &+ second
            }
            var (a, b, c, d) = (state[0], state[1], state[2], state[3])
            var (e, f, g, h) = (state[4], state[5], state[6], state[7])
            for index in 0..<64 {
                let choice = e & f ^ ~e & g
                let sum = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)
                let first = h &+ sum &+ choice &+ constants[index] &+ words[index]
                let majority = a & b ^ a & c ^ b & c
                let second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ majority
                (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
            }
            for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
        }
    }

    /// The first 32 bits of the fractions of the cube roots of the first 64 primes.
    private static let constants: [UInt32] = {
        let primes = (2...311).filter { number in !(2..<number).contains { number.isMultiple(of: $0) } }
        return primes.map { prime in
            // The greatest number whose cube is at most the prime times 2^96, bit by bit: exact, as no float is.
            var root: UInt64 = 0
            for bit in (0..<36).reversed() {
                let next = root | 1 << UInt64(bit)
                let square = next.multipliedFullWidth(by: next)
                let low = square.low.multipliedFullWidth(by: next)
                let high = square.high * next + low.high
                if high < UInt64(prime) << 32 || (high == UInt64(prime) << 32 && low.low == 0) { root = next }
            }
            return UInt32(truncatingIfNeeded: root)
        }
    }()
}
