import CVectorKernels
import Foundation
import Synchronization

/// A fixed pool of threads that runs the jobs of one step and joins.
///
/// A worker takes the same jobs in each run, whose memory its cache may still hold, and then those the others have not
/// come to. Jobs are cut by the problem and write to places of their own, so results do not depend on who takes which.
/// Denormal numbers are flushed to zero while jobs run: uncontrolled they slow a product tenfold.
public final class Workers: @unchecked Sendable {
    public typealias Body = @Sendable (_ job: Int, _ worker: Int) -> Void

    /// Threads that run jobs, the caller's included.
    public let count: Int

    private let state: State

    /// - Parameter count: threads, the caller's included; by default as many as the process may use. Where
    ///   the system refuses to start so many, there are fewer, which changes no result.
    public init(count: Int? = nil) {
        let wanted = max(1, count ?? Machine.usableThreads)
        // Spinning pays only while every thread has a core of its own.
        let state = State(spins: wanted <= Machine.usableThreads ? 4_000 : 0)
        self.state = state
        var started = 1
        while started < wanted, state.startHelper(worker: started) { started += 1 }
        state.helpers = started - 1
        self.count = started
    }

    deinit { state.stop() }

    /// Calls `body` with denormal numbers flushed to zero, as in a job.
    package static func flushingDenormals(_ body: () -> Void) {
        let control = apus_float_control()
        apus_set_float_control(apus_flushing_denormals(control))
        defer { apus_set_float_control(control) }
        body()
    }

    /// Calls `body` once for each job in 0..<jobs, on all workers, and returns when the last has ended.
    ///
    /// One call at a time: a second caller waits. Not to be called from inside a job.
    public func run(jobs: Int, _ body: @escaping Body) {
        guard jobs > 0 else { return }
        state.run(jobs: jobs, body)
    }
}

/// What the workers share; separate from `Workers`, so that its threads do not keep it alive.
private final class State: @unchecked Sendable {
    /// Threads beside the caller's. To be set before the first run.
    var helpers = 0 {
        didSet { counters = (0...helpers).map { _ in JobCounter() } }
    }
    private let spins: Int
    private let generation = Atomic<Int>(0)
    /// Of each worker: worker w is meant to take the jobs w, w + n, w + 2 n, ... where there are n.
    private var counters: [JobCounter] = []
    private let busyHelpers = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)
    private let callers = NSLock()
    private let wake = NSCondition()
    private let done = NSCondition()
    // Written between steps alone, published by `generation`.
    private var jobs = 0
    private var body: Workers.Body?

    init(spins: Int) { self.spins = spins }

    /// Starts the thread of a worker; false where the system refuses.
    func startHelper(worker: Int) -> Bool {
        let start = unsafe Unmanaged.passRetained(Start(state: self, worker: worker))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let status = unsafe pthread_create(&thread, nil, runHelper, start.toOpaque())
        guard status == 0 else {
            unsafe start.release()
            return false
        }
        #if canImport(Darwin)
            unsafe pthread_detach(thread!)
        #else
            pthread_detach(thread)
        #endif
        return true
    }

    func run(jobs: Int, _ body: @escaping Workers.Body) {
        callers.lock()
        defer { callers.unlock() }
        self.jobs = jobs
        self.body = body
        for counter in counters { counter.taken.store(0, ordering: .relaxed) }
        busyHelpers.store(helpers, ordering: .relaxed)
        if helpers > 0 {
            wake.lock()
            generation.add(1, ordering: .releasing)
            wake.broadcast()
            wake.unlock()
        }
        drain(worker: 0, jobs: jobs, body)
        wait(on: done) { busyHelpers.load(ordering: .acquiring) == 0 }
        self.body = nil
    }

    func serve(worker: Int) {
        var seen = 0
        while true {
            wait(on: wake) { generation.load(ordering: .acquiring) != seen }
            seen += 1
            if stopped.load(ordering: .acquiring) { return }
            // A worker beyond the jobs stays out, so that who calls needs memory for no more of them.
            if worker < jobs, let body { drain(worker: worker, jobs: jobs, body) }
            if busyHelpers.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
                done.lock()
                done.signal()
                done.unlock()
            }
        }
    }

    func stop() {
        stopped.store(true, ordering: .releasing)
        wake.lock()
        generation.add(1, ordering: .releasing)
        wake.broadcast()
        wake.unlock()
    }

    private func drain(worker: Int, jobs: Int, _ body: Workers.Body) {
        let counters = counters
        let count = counters.count
        Workers.flushingDenormals {
            for turn in 0..<count {
                let owner = (worker + turn) % count
                let counter = counters[owner]
                // Looked at before it is written: most counters of others are found at their end.
                while owner + count * counter.taken.load(ordering: .relaxed) < jobs {
                    let job = owner + count * counter.taken.add(1, ordering: .relaxed).oldValue
                    if job >= jobs { break }
                    body(job, worker)
                }
            }
        }
    }

    /// Spins for a while, since steps follow each other closely, then sleeps until `ready`.
    private func wait(on condition: NSCondition, until ready: () -> Bool) {
        for _ in 0..<spins {
            if ready() { return }
            apus_spin_hint()
        }
        condition.lock()
        while !ready() { condition.wait() }
        condition.unlock()
    }
}

/// How many of a worker's jobs have been taken, by it or by others.
private final class JobCounter: Sendable {
    let taken = Atomic<Int>(0)
}

/// What a new thread needs to know.
private final class Start {
    let state: State
    let worker: Int

    init(state: State, worker: Int) {
        self.state = state
        self.worker = worker
    }
}

#if canImport(Darwin)
    private typealias ThreadArgument = UnsafeMutableRawPointer
#else
    private typealias ThreadArgument = UnsafeMutableRawPointer?
#endif

@unsafe
private func runHelper(_ argument: ThreadArgument) -> UnsafeMutableRawPointer? {
    let pointer: UnsafeMutableRawPointer? = unsafe argument
    let start = unsafe Unmanaged<Start>.fromOpaque(pointer!).takeRetainedValue()
    start.state.serve(worker: start.worker)
    return nil
}
