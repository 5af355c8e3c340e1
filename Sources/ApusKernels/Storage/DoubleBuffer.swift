import Foundation

/// An owned block of doubles, zeroed and aligned to a cache line: room for sums that single precision is too short
/// for.
@safe
final class DoubleBuffer: @unchecked Sendable {
    let base: UnsafeMutablePointer<Double>
    let count: Int

    /// Allocates `count` doubles, all zero.
    ///
    /// - Throws: `AllocationError` where there is not so much memory.
    init(count: Int) throws {
        precondition(count >= 0, "a buffer of \(count) doubles")
        let bytes = max(count, 1) * MemoryLayout<Double>.stride
        var memory: UnsafeMutableRawPointer?
        guard unsafe posix_memalign(&memory, 64, bytes) == 0 else { throw AllocationError(bytes: bytes) }
        unsafe memset(memory!, 0, bytes)
        unsafe base = memory!.bindMemory(to: Double.self, capacity: max(count, 1))
        self.count = count
    }

    deinit { unsafe free(base) }

    var array: [Double] { unsafe Array(UnsafeBufferPointer(start: base, count: count)) }
}
