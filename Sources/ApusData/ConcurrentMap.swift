import ApusKernels
import Synchronization

extension Workers {
    /// What `body` gives for each index in 0..<count, in that order; it is called on all workers.
    func map<Result: Sendable>(count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
        let results = Mutex<[Result?]>(Array(repeating: nil, count: count))
        // A run of indices is long enough to keep the lock free.
        let run = 16
        self.run(jobs: (count + run - 1) / run) { job, _ in
            let indices = job * run..<min((job + 1) * run, count)
            let values = indices.map(body)
            results.withLock { $0.replaceSubrange(indices, with: values.map(Optional.some)) }
        }
        return results.withLock { $0.compactMap(\.self) }
    }

    /// As `map`, of what may fail.
    ///
    /// - Throws: the first of the errors, in the order of the indices.
    func tryMap<Value: Sendable>(
        count: Int, _ body: @escaping @Sendable (Int) throws -> Value
    ) throws -> [Value] {
        try map(count: count) { index in Result { try body(index) } }.map { try $0.get() }
    }
}
