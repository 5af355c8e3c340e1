import ApusFormats
import Foundation
import TestSupport
import Testing

/// Expects a reader to refuse `file` cut short anywhere, and to survive it with bits flipped: a typed error, or
/// tensors of no more bytes than `limit`, and values for all of them.
///
/// - Parameters:
///   - flips: Damaged files to try, each with one to eight bits flipped, the same in every run.
///   - limit: The most bytes of elements the file can hold; its own size where it is not compressed.
func expectSurvivesDamage(
    of file: Data, flips: Int = 4000, limit: Int? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    reader: (Data) throws -> TensorFile
) {
    func read(_ bytes: Data, _ damage: @autoclosure () -> String) -> TensorFile? {
        do {
            return try reader(bytes)
        } catch {
            if !(error is FormatError || error is FileError) {
                Issue.record("\(damage()): threw \(error)", sourceLocation: sourceLocation)
            }
            return nil
        }
    }

    #expect(throws: Never.self, "the file itself", sourceLocation: sourceLocation) { try reader(file) }
    for length in 0..<file.count where read(file.prefix(length), "cut to \(length) bytes") != nil {
        Issue.record("cut to \(length) bytes of \(file.count): was read", sourceLocation: sourceLocation)
    }
    var generator = SplitMix64(seed: 1)
    for _ in 0..<flips {
        var damaged = file
        let bits = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
            Int.random(in: 0..<8 * file.count, using: &generator)
        }
        for bit in bits { damaged[damaged.startIndex + bit / 8] ^= 1 << (bit % 8) }
        guard let result = read(damaged, "bits \(bits) flipped") else { continue }
        let size = result.tensors.map(\.bytes.count).reduce(0, +)
        if size > limit ?? file.count || result.tensors.contains(where: { $0.floats.count != $0.count }) {
            Issue.record("bits \(bits) flipped: \(size) bytes of elements", sourceLocation: sourceLocation)
        }
    }
}
