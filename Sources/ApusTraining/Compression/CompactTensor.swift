import Foundation

/// Numbers in few bytes, without loss: for weights many of which are zero, or few of which are different.
///
/// The bytes are the codebook, 32-bit floats; the places of nonzero numbers; and the numbers' codes, indices into the
/// codebook or floats themselves. Places and codes are bits that follow each other, the lowest of a byte first. Gaps are
/// those of Han, Mao and Dally, 2016 (arXiv 1510.00149), figure 2, but for what follows a long one: 15 stands for
/// fifteen zeros, and no number.
package struct CompactTensor {
    /// How it is said which numbers are zero.
    package enum Places: String, Codable, CaseIterable {
        /// It is not: zero has a code like others.
        case all
        /// By a bit for each number.
        case bitmap
        /// By the zeros before each nonzero number, in four bits.
        case gaps
    }

    /// What it takes to read the bytes, beside the count of numbers.
    package struct Form: Codable, Hashable {
        package var places: Places
        /// Numbers that have a code.
        package var coded: Int
        /// Entries of the codebook; none where codes are floats.
        package var codebook: Int
        package var bytes: Int

        /// Bits of a code.
        package var codeBits: Int { codebook == 0 ? 32 : Int.bitWidth - (codebook - 1).leadingZeroBitCount }

        init(places: Places, coded: Int, codebook: Int, placeBits: Int) {
            self.places = places
            self.coded = coded
            self.codebook = codebook
            bytes = 0
            bytes = 4 * codebook + (placeBits + coded * codeBits + 7) / 8
        }
    }

    package static let longGap = 15
    static let greatestCodebook = 1 << 16

    /// The most numbers that so many bytes stand for: twice as many as the longest gaps make of them, and a few for
    /// free. What a file says is then no reason to ask for more memory than some hundred times the file; tensors
    /// that are nothing but zeros, or one number, are stored as floats where they are large.
    static func greatestCount(inBytes bytes: Int) -> Int { 4096 + 64 * bytes }

    package let form: Form
    package let bytes: Data

    /// - Returns: nil where no form is smaller than the floats themselves.
    package init?(_ values: [Float]) {
        let zeros = values.count { $0.bitPattern == 0 }
        let different = Set(values.lazy.map(\.bitPattern))
        let gapBits = 4 * Self.gaps(values).count
        var forms: [Form] = []
        for places in Places.allCases {
            let coded = places == .all ? values.count : values.count - zeros
            let placeBits =
                switch places {
                case .all: 0
                case .bitmap: values.count
                case .gaps: gapBits
                }
            var entries = [0]
            let codebook = different.count - (places != .all && zeros > 0 ? 1 : 0)
            if 1...Self.greatestCodebook ~= codebook { entries.append(codebook) }
            forms += entries.map {
                Form(places: places, coded: coded, codebook: $0, placeBits: placeBits)
            }
        }
        guard let form = forms.min(by: { $0.bytes < $1.bytes }), form.bytes < 4 * values.count,
            values.count <= Self.greatestCount(inBytes: form.bytes)
        else { return nil }
        self.form = form
        bytes = Self.bytes(of: values, different, form)
    }

    private static func bytes(of values: [Float], _ different: Set<UInt32>, _ form: Form) -> Data {
        let coded = form.places == .all ? values : values.filter { $0.bitPattern != 0 }
        var bits = BitWriter()
        var codes: [UInt32: Int] = [:]
        if form.codebook > 0 {
            let codebook = different.filter { form.places == .all || $0 != 0 }
                .sorted()
            for (code, pattern) in codebook.enumerated() {
                bits.append(UInt64(pattern), count: 32)
                codes[pattern] = code
            }
        }
        switch form.places {
        case .all: break
        case .bitmap: for value in values { bits.append(value.bitPattern == 0 ? 0 : 1, count: 1) }
        case .gaps: for gap in gaps(values) { bits.append(UInt64(gap), count: 4) }
        }
        for value in coded {
            let code = form.codebook > 0 ? UInt64(codes[value.bitPattern] ?? 0) : UInt64(value.bitPattern)
            bits.append(code, count: form.codeBits)
        }
        return bits.finish()
    }

    /// The zeros before each nonzero number, those of long gaps in parts.
    private static func gaps(_ values: [Float]) -> [Int] {
        var gaps: [Int] = []
        var zeros = 0
        for value in values {
            if value.bitPattern == 0 {
                zeros += 1
                continue
            }
            gaps += [Int](repeating: longGap, count: zeros / longGap)
            gaps.append(zeros % longGap)
            zeros = 0
        }
        return gaps
    }

    /// Reads `count` numbers.
    ///
    /// - Returns: nil where the bytes are not those of the form.
    package static func values(_ bytes: Data, form: Form, count: Int) -> [Float]? {
        guard form.bytes == bytes.count, 0...greatestCount(inBytes: bytes.count) ~= count,
            0...count ~= form.coded,
            0...min(greatestCodebook, bytes.count / 4) ~= form.codebook,
            form.places != .all || form.coded == count
        else { return nil }
        var bits = BitReader(bytes)
        var codebook: [Float] = []
        for _ in 0..<form.codebook {
            guard let pattern = bits.next(32) else { return nil }
            codebook.append(Float(bitPattern: UInt32(pattern)))
        }
        guard let places = places(&bits, form, count: count) else { return nil }
        var values = [Float](repeating: 0, count: count)
        for index in 0..<form.coded {
            let place = form.places == .all ? index : places[index]
            guard let code = bits.next(form.codeBits) else { return nil }
            if form.codebook == 0 {
                values[place] = Float(bitPattern: UInt32(code))
            } else {
                guard code < codebook.count else { return nil }
                values[place] = codebook[Int(code)]
            }
        }
        return bits.isAtEnd ? values : nil
    }

    /// The places of the numbers that have a code; none where all have one.
    private static func places(_ bits: inout BitReader, _ form: Form, count: Int) -> [Int]? {
        var places: [Int] = []
        switch form.places {
        case .all: return places
        case .bitmap:
            for place in 0..<count {
                guard let bit = bits.next(1) else { return nil }
                if bit == 1 { places.append(place) }
            }
            return places.count == form.coded ? places : nil
        case .gaps:
            var place = 0
            while places.count < form.coded {
                guard let gap = bits.next(4), place + Int(gap) <= count else { return nil }
                place += Int(gap)
                guard gap != longGap else { continue }
                guard place < count else { return nil }
                places.append(place)
                place += 1
            }
            return places
        }
    }
}

/// Writes numbers of few bits, the lowest bit first.
private struct BitWriter {
    private var bytes = Data()
    private var pending: UInt64 = 0
    private var pendingBits = 0

    /// - Parameter count: of bits, at most 32.
    mutating func append(_ number: UInt64, count: Int) {
        pending |= number << UInt64(pendingBits)
        pendingBits += count
        while pendingBits >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            pendingBits -= 8
        }
    }

    mutating func finish() -> Data {
        if pendingBits > 0 { bytes.append(UInt8(truncatingIfNeeded: pending)) }
        return bytes
    }
}

/// Reads what a `BitWriter` wrote.
private struct BitReader {
    private let bytes: Data
    private var place: Data.Index
    private var pending: UInt64 = 0
    private var pendingBits = 0

    init(_ bytes: Data) {
        self.bytes = bytes
        place = bytes.startIndex
    }

    /// Whether less than a byte is left, of zeros.
    var isAtEnd: Bool { place == bytes.endIndex && pending == 0 }

    /// - Parameter count: of bits, at most 32.
    mutating func next(_ count: Int) -> UInt64? {
        while pendingBits < count {
            guard place < bytes.endIndex else { return nil }
            pending |= UInt64(bytes[place]) << UInt64(pendingBits)
            pendingBits += 8
            place = bytes.index(after: place)
        }
        let number = pending & (1 << UInt64(count) - 1)
        pending >>= UInt64(count)
        pendingBits -= count
        return number
    }
}
