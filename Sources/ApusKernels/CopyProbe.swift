/// Copies memory on several threads at once, each within bytes of its own: what a cache passes, or memory where they fit
/// into none.
public struct CopyProbe: Sendable {
    /// A job is so long that every thread takes one.
    private static let bytesOfJob = 256 << 20

    private let workers: Workers
    private let buffer: FloatBuffer
    private let half: Int
    private let repetitions: Int

    /// Allocates what the threads copy within.
    ///
    /// - Parameter bytes: of each thread; a half is read, the other written.
    /// - Throws: `AllocationError` where memory runs out.
    public init(bytes: Int, on workers: Workers) throws {
        self.workers = workers
        half = max(1, bytes / 2 / MemoryLayout<Float>.stride)
        repetitions = max(1, Self.bytesOfJob / bytes)
        buffer = try FloatBuffer(count: 2 * half * workers.count)
    }

    /// Bytes that all threads together read and write in one run.
    public var bytesOfRun: Int { 2 * half * MemoryLayout<Float>.stride * repetitions * workers.count }

    public func run() {
        workers.run(jobs: workers.count) { job, _ in
            let part = buffer.view.slice(2 * half * job..<2 * half * (job + 1))
            for _ in 0..<repetitions { part.slice(half..<2 * half).copy(from: part.slice(0..<half)) }
        }
    }
}
