import ApusKernels
import ApusNN

/// What the machine can do at most, measured: operations in registers, and bytes from the caches and from memory.
///
/// The roofline model (Williams, Waterman and Patterson, 2009, "Roofline: an insightful visual performance model for
/// multicore architectures") has a step take `max(operations / peak, bytes / bandwidth)` at least. The bandwidth is that of
/// the nearest memory that holds what a thread touches (Ilic, Pratas and Sousa, 2014, "Cache-aware roofline model"), since
/// shards are cut to stay in cache.
public struct MachineRoof: Sendable, Hashable, Codable {
    /// How fast threads copy within so many bytes each.
    public struct Bandwidth: Sendable, Hashable, Codable {
        /// Of one thread, what it reads and what it writes together.
        public let bytes: Int
        /// Read and written by all threads together.
        public let gigabytesPerSecond: Double

        public init(bytes: Int, gigabytesPerSecond: Double) {
            (self.bytes, self.gigabytesPerSecond) = (bytes, gigabytesPerSecond)
        }
    }

    /// What a time is bounded by.
    public enum Limit: String, Sendable, Codable {
        case operations, memory
    }

    public let threads: Int
    /// Fused multiply-adds of one thread, each two operations.
    public let gigaflopsOfOneThread: Double
    /// In rising order of bytes.
    public let bandwidths: [Bandwidth]

    public init(threads: Int, gigaflopsOfOneThread: Double, bandwidths: [Bandwidth]) {
        precondition(!bandwidths.isEmpty, "a roof without memory")
        self.threads = threads
        self.gigaflopsOfOneThread = gigaflopsOfOneThread
        self.bandwidths = bandwidths
    }

    /// Bytes that each of so many threads copies within: for the first-level cache, the second, the third, and none.
    public static func copiedBytes(threads: Int) -> [Int] {
        // Together no more than a gigabyte, as long as that is beyond any cache.
        [32 << 10, 512 << 10, 8 << 20, max(16 << 20, min(128 << 20, (1 << 30) / max(1, threads)))]
    }

    /// Measures the machine, half a second.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public static func measured(on workers: Workers) throws -> MachineRoof {
        let peak = Machine.measureFusedMultiplyAdd()
        let bandwidths = try copiedBytes(threads: workers.count).map {
            Bandwidth(bytes: $0, gigabytesPerSecond: try Machine.measureCopy(within: $0, on: workers))
        }
        return MachineRoof(threads: workers.count, gigaflopsOfOneThread: peak, bandwidths: bandwidths)
    }

    /// Of all threads.
    public var gigaflops: Double { gigaflopsOfOneThread * Double(threads) }

    /// The bandwidth of the nearest memory that holds `bytes` of each thread.
    public func gigabytesPerSecond(holding bytes: Int) -> Double {
        (bandwidths.first { $0.bytes >= bytes } ?? bandwidths[bandwidths.count - 1]).gigabytesPerSecond
    }

    /// The least time a pass can take, and what bounds it.
    ///
    /// - Parameter footprint: bytes that a thread touches again and again meanwhile: those of a shard.
    public func leastTime(of cost: PassCost, footprint: Int) -> (seconds: Double, limit: Limit) {
        let operations = Double(cost.operations) / (1e9 * gigaflops)
        let memory = Double(cost.bytes) / (1e9 * gigabytesPerSecond(holding: footprint))
        return operations >= memory ? (operations, .operations) : (memory, .memory)
    }
}
