import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Compact tensors")
struct CompactTensorTests {
    /// Ones after so many zeros each.
    private static func gaps(_ gaps: [Int], trailing: Int = 0) -> [Float] {
        gaps.flatMap { [Float](repeating: 0, count: $0) + [1.5] } + [Float](repeating: 0, count: trailing)
    }

    private static let sparse = uniformFloats(count: 2000, seed: 1).map { abs($0) > 0.9 ? $0 : 0 }
    private static let tensors: [[Float]] = [
        [Float](repeating: 0, count: 100), [Float](repeating: 0.25, count: 33),
        gaps([0, 1, 14, 15, 16, 29, 30, 31, 45]), gaps([200], trailing: 500),
        gaps([3, 0, 0, 7], trailing: 15),
        sparse, sparse.map { ($0 * 8).rounded() / 8 },
        uniformFloats(count: 1000, seed: 2).map { ($0 * 3).rounded() },
        uniformFloats(count: 999, seed: 3).map { abs($0) > 0.4 ? ($0 * 15).rounded() : 0 },
        [-0.0, 0, 0, 0, .nan, .infinity, -.infinity, 0, 0, 0, 0, 0, 0, 0, 0, 0] + gaps([90, 90]),
    ]

    @Test(
        "What is read is what was written, to the bit, in the bytes that its form says",
        arguments: tensors.indices)
    func roundTrip(index: Int) throws {
        let values = Self.tensors[index]
        let tensor = try #require(CompactTensor(values))
        #expect(tensor.bytes.count == tensor.form.bytes && tensor.bytes.count < 4 * values.count)
        let read = try #require(CompactTensor.values(tensor.bytes, form: tensor.form, count: values.count))
        #expect(read.map(\.bitPattern) == values.map(\.bitPattern))
        // In the midst of other bytes, as in a file.
        let framed = (Data([1, 2, 3]) + tensor.bytes + Data([4])).dropFirst(3).dropLast()
        #expect(
            CompactTensor.values(framed, form: tensor.form, count: values.count)?.map(\.bitPattern)
                == values.map(\.bitPattern))
    }

    @Test("A codebook, gaps of four bits, and codes: the bytes are those of the description")
    func bytes() throws {
        // Gaps 1, 0, 15 and 2; codes 1, 0 and 0.
        var values = [Float](repeating: 0, count: 63)
        (values[1], values[2], values[20]) = (-2, 3, 3)
        let tensor = try #require(CompactTensor(values))
        #expect(tensor.form.places == .gaps && tensor.form.coded == 3 && tensor.form.codeBits == 1)
        let codebook: [UInt8] = [0, 0, 0x40, 0x40, 0, 0, 0, 0xC0]
        #expect(Array(tensor.bytes) == codebook + [0x01, 0x2F, 0b001])
    }

    @Test(
        "The smallest form is taken: no places where zeros are rare, bits where they are common, gaps where the rest is"
    )
    func choice() throws {
        let numbers = uniformFloats(count: 4000, seed: 4).map { ($0 * 7.4).rounded() / 4 + 0.125 }
        func form(keeping share: Float) -> CompactTensor.Form? {
            let random = uniformFloats(count: 4000, seed: 5)
            return CompactTensor(zip(numbers, random).map { abs($1) < share ? $0 : 0 })?.form
        }
        #expect(form(keeping: 1)?.places == .all)
        #expect(form(keeping: 0.5)?.places == .bitmap)
        #expect(form(keeping: 0.05)?.places == .gaps)
        // All different, and none zero.
        #expect(CompactTensor(uniformFloats(count: 500, seed: 6)) == nil)
        #expect(CompactTensor([]) == nil)
    }

    @Test("What takes no bytes is a few numbers, and floats where it is more")
    func nothing() throws {
        #expect(CompactTensor([Float](repeating: 0, count: 4096))?.bytes.count == 0)
        #expect(CompactTensor([Float](repeating: 0, count: 4097)) == nil)
        let form = try #require(CompactTensor([0, 0])).form
        #expect(CompactTensor.values(Data(), form: form, count: 4096)?.count == 4096)
        #expect(CompactTensor.values(Data(), form: form, count: 4097) == nil)
    }

    @Test("A small file that says it holds gigabytes is refused")
    func hostile() throws {
        let classifier = try SmallTask.classifier(SmallTask.data())
        try classifier.network.set("hidden.weight", [Float](repeating: 0, count: 12 * 64))
        let pruned = try classifier.constrained(by: WeightConstraints(pruned: ["hidden.weight"]))
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            try pruned.save(to: file)
            #expect(try Checkpoint(contentsOf: file).constraints.pruned == ["hidden.weight"])
            var bytes = try Data(contentsOf: file)
            let shape = try #require(bytes.range(of: Data("\"shape\":[12,64]".utf8)))
            bytes.replaceSubrange(shape, with: Data("\"shape\":[32768,32768]".utf8))
            let length = bytes[8..<12].enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) } + 6
            bytes.replaceSubrange(8..<12, with: withUnsafeBytes(of: UInt32(length).littleEndian) { Data($0) })
            let sum = CRC32.checksum(bytes.dropLast(4))
            bytes.replaceSubrange(
                bytes.count - 4..<bytes.count, with: withUnsafeBytes(of: sum.littleEndian) { Data($0) })
            try bytes.write(to: file)
            let error = #expect(throws: FormatError.self) { try Checkpoint(contentsOf: file) }
            #expect(error?.found.contains("[32768, 32768] in 0 bytes") == true)
        }
    }

    @Test("Bytes that are not those of the form are none at all", arguments: tensors.indices)
    func damaged(index: Int) throws {
        let values = Self.tensors[index]
        let tensor = try #require(CompactTensor(values))
        func read(_ bytes: Data, count: Int? = nil, _ change: (inout CompactTensor.Form) -> Void) -> [Float]?
        {
            var form = tensor.form
            change(&form)
            return CompactTensor.values(bytes, form: form, count: count ?? values.count)
        }
        #expect(read(tensor.bytes) { _ in } != nil)
        #expect(read(tensor.bytes + [0]) { _ in } == nil)
        #expect(read(tensor.bytes + [0]) { $0.bytes += 1 } == nil)
        #expect(read(tensor.bytes) { $0.coded = -1 } == nil)
        #expect(read(tensor.bytes) { $0.coded = values.count + 1 } == nil)
        #expect(read(tensor.bytes) { $0.codebook = -1 } == nil)
        #expect(read(tensor.bytes) { $0.codebook = 1 << 40 } == nil)
        #expect(read(tensor.bytes, count: -1) { _ in } == nil)
        #expect(read(tensor.bytes, count: 1 << 40) { _ in } == nil)
        guard !tensor.bytes.isEmpty else { return }
        #expect(read(tensor.bytes.dropLast()) { $0.bytes -= 1 } == nil)
    }
}
