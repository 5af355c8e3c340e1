import Foundation

/// An owned block of floats, zeroed and aligned to a cache line.
///
/// Blocks of two megabytes and more ask for huge pages.
@safe
public final class FloatBuffer: @unchecked Sendable {
    /// Floats in a cache line of 64 bytes; named views start at multiples of it.
    package static let alignment = 16

    private let base: UnsafeMutablePointer<Float>
    public let count: Int

    /// Allocates `count` floats, all zero.
    ///
    /// - Throws: `AllocationError` where there is not so much memory.
    public init(count: Int) throws {
        precondition(count >= 0, "a buffer of \(count) floats")
        let bytes = max(count, 1) * MemoryLayout<Float>.stride
        let isLarge = bytes >= 2 << 20
        var memory: UnsafeMutableRawPointer?
        let status = unsafe posix_memalign(&memory, isLarge ? 2 << 20 : 64, bytes)
        guard status == 0 else { throw AllocationError(bytes: bytes) }
        #if os(Linux)
            if isLarge { _ = unsafe madvise(memory!, bytes, Int32(MADV_HUGEPAGE)) }
        #endif
        unsafe memset(memory!, 0, bytes)
        unsafe base = memory!.bindMemory(to: Float.self, capacity: max(count, 1))
        self.count = count
    }

    deinit { unsafe free(base) }

    /// The whole block. The view is valid as long as this buffer lives.
    public var view: FloatView { unsafe FloatView(base: base, count: count) }

    /// `count` rounded up to a whole number of cache lines.
    package static func aligned(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}

/// Memory that the system does not give.
public struct AllocationError: Error, Sendable, Hashable, CustomStringConvertible {
    public let bytes: Int

    public var description: String { "out of memory: the system does not give \(bytes) bytes" }
}
