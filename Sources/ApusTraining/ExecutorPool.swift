import ApusKernels
import ApusNN
import Synchronization

/// The executors that a classifier predicts with, made where they are first needed and used again.
final class ExecutorPool: Sendable {
    private static let imagesOfBatch = 64

    private let network: Network
    /// For one image each, that nobody is using; calls that overlap have one of their own.
    private let idle = Mutex<[Executor]>([])
    /// For batches, on all threads; whoever uses it holds the lock.
    private let batched = Mutex<Executor?>(nil)

    init(_ network: Network) { self.network = network }

    /// Calls `body` with an executor for one image that nobody else has; it computes on the calling thread.
    ///
    /// - Throws: `AllocationError` where memory runs out, and what `body` throws.
    func withSingle<Result>(_ body: (Executor) throws -> Result) throws -> Result {
        let executor =
            try idle.withLock { $0.popLast() }
            ?? Executor(network, batchSize: 1, workers: Workers(count: 1), isTraining: false)
        defer {
            idle.withLock { idle in
                // More than can run at once are not needed again soon.
                if idle.count < Machine.usableThreads { idle.append(executor) }
            }
        }
        return try body(executor)
    }

    /// Calls `body` with an executor for batches, on all threads, when it is free.
    ///
    /// - Throws: `AllocationError` where memory runs out, and what `body` throws.
    func withBatched<Result>(_ body: (Executor) throws -> Result) throws -> Result {
        try batched.withLock { kept in
            let executor =
                try kept
                ?? Executor(network, batchSize: Self.imagesOfBatch, workers: Workers(), isTraining: false)
            kept = executor
            return try body(executor)
        }
    }
}
