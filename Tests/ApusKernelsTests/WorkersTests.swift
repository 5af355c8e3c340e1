import ApusKernels
import Dispatch
import Synchronization
import Testing

@Suite(.serialized) struct WorkersTests {
    @Test(arguments: [1, 2, 3, 8], [1, 2, 5, 64])
    func everyJobRunsOnce(threads: Int, jobs: Int) {
        let workers = Workers(count: threads)
        #expect(workers.count == threads)
        let counts = Mutex([Int](repeating: 0, count: jobs))
        let seen = Mutex<Set<Int>>([])
        for _ in 0..<300 {
            workers.run(jobs: jobs) { job, worker in
                counts.withLock { $0[job] += 1 }
                seen.withLock { _ = $0.insert(worker) }
            }
        }
        #expect(counts.withLock { $0 } == [Int](repeating: 300, count: jobs))
        #expect(seen.withLock { $0 }.isSubset(of: Set(0..<threads)))
    }

    @Test func runHasEndedWhenItReturns() {
        let workers = Workers(count: 4)
        let finished = Atomic<Int>(0)
        for round in 1...500 {
            workers.run(jobs: 7) { _, _ in finished.add(1, ordering: .relaxed) }
            #expect(finished.load(ordering: .relaxed) == 7 * round)
        }
        workers.run(jobs: 0) { _, _ in finished.add(1, ordering: .relaxed) }
        #expect(finished.load(ordering: .relaxed) == 3500)
    }

    /// Two jobs at a time that wait for each other end only where two threads run at once, and then each worker has its own.
    @Test func jobsRunOnDifferentThreadsAtOnceAndOnTheSameInEachRun() {
        let workers = Workers(count: 2)
        let arrived = Atomic<Int>(0)
        let takenByOthers = Atomic<Int>(0)
        for round in 1...100 {
            workers.run(jobs: 4) { job, worker in
                if job % 2 != worker { takenByOthers.add(1, ordering: .relaxed) }
                arrived.add(1, ordering: .acquiringAndReleasing)
                while arrived.load(ordering: .acquiring) < 4 * round - (job < 2 ? 2 : 0) {}
            }
        }
        #expect(arrived.load(ordering: .relaxed) == 400)
        #expect(takenByOthers.load(ordering: .relaxed) == 0)
    }

    /// A job that waits for all others, those of its worker too, ends only where another worker takes these.
    @Test func jobsOfAWorkerThatIsLateAreTakenByOthers() {
        let workers = Workers(count: 2)
        let done = Atomic<Int>(0)
        workers.run(jobs: 10) { job, _ in
            if job == 1 { while done.load(ordering: .acquiring) < 9 {} }
            done.add(1, ordering: .acquiringAndReleasing)
        }
        #expect(done.load(ordering: .relaxed) == 10)
    }

    @Test func callersOnSeveralThreadsTakeTurns() {
        let workers = Workers(count: 3)
        let inside = Atomic<Int>(0)
        let counts = Mutex([0, 0, 0, 0])
        let most = Mutex(0)
        DispatchQueue.concurrentPerform(iterations: 4) { caller in
            for _ in 0..<50 {
                workers.run(jobs: 5) { _, _ in
                    let now = inside.add(1, ordering: .relaxed).newValue
                    most.withLock { $0 = max($0, now) }
                    counts.withLock { $0[caller] += 1 }
                    inside.subtract(1, ordering: .relaxed)
                }
            }
        }
        #expect(counts.withLock { $0 } == [250, 250, 250, 250])
        #expect(most.withLock { $0 } <= 3)
    }

    @Test(arguments: [1, 3])
    func denormalsAreFlushedInsideJobsAlone(threads: Int) {
        let workers = Workers(count: threads)
        let before = Machine.flushesDenormals
        let flushes = Mutex<[Bool]>([])
        let halves = Mutex<[Float]>([])
        workers.run(jobs: 30) { job, _ in
            flushes.withLock { $0.append(Machine.flushesDenormals) }
            // The job's number keeps the compiler from computing the quotient.
            halves.withLock { $0.append(.leastNormalMagnitude / Float(job + 2)) }
        }
        #expect(flushes.withLock { $0 } == [Bool](repeating: true, count: 30))
        #expect(halves.withLock { $0 } == [Float](repeating: 0, count: 30))
        #expect(Machine.flushesDenormals == before && !before)
        #expect(Float.leastNormalMagnitude / Float(threads + 1) > 0)
    }

    @Test func aPoolThatIsGivenBackEndsItsThreads() {
        weak var remembered: Workers?
        for _ in 0..<50 {
            let workers = Workers(count: 4)
            workers.run(jobs: 4) { _, _ in }
            remembered = workers
        }
        #expect(remembered == nil)
    }
}
