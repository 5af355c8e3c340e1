import Foundation
import Synchronization

/// What happens in a run.
public enum TrainingEvent: Sendable, Equatable {
    /// A step was taken; this far is the run.
    case step(TrainingProgress)
    /// An epoch came to this, its test included.
    case epoch(EpochRecord)
    /// The last event of a run that no error ended.
    case end(Trainer.Ending)
}

/// A run as an asynchronous sequence of its events, trained on a thread of its own from the first that is asked for.
///
///     for try await event in trainer.events() {
///         if case .epoch(let record) = event { show(record) }
///     }
///
/// Steps that nobody has come for are replaced by the next one, which says all that they did; epochs and the end are
/// never lost. Cancelling the task stops the run after the step under way: the events then are those until there, and
/// `.end(.stopped)`. Leaving the loop stops it too, and waits for that step, or for the test
/// where one is under way. Either way the trainer is at rest when the
/// loop has ended, and may be saved, asked, or trained on; until then it must be left alone, but for what the
/// callbacks do.
public struct TrainingEvents: AsyncSequence, @unchecked Sendable {
    public typealias Element = TrainingEvent

    fileprivate let trainer: Trainer
    fileprivate let onStep: ((TrainingProgress) throws -> Bool)?
    fileprivate let onEpoch: ((EpochRecord) throws -> Bool)?

    public func makeAsyncIterator() -> Iterator { Iterator(run: EventRun(self)) }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let run: EventRun

        /// The next event; nil after the last.
        ///
        /// - Throws: what `Trainer.fit` throws.
        public func next() async throws -> TrainingEvent? {
            let queue = run.queue
            return try await withTaskCancellationHandler {
                try await queue.next()
            } onCancel: {
                queue.requestStop()
            }
        }
    }
}

extension Trainer {
    /// Trains as `fit` does, on a thread of its own, telling of it as it goes on.
    ///
    /// - Parameters:
    ///   - onStep: is called on that thread after each step; false stops the run there.
    ///   - onEpoch: is called on that thread after each epoch; false stops the run there. Both may look at the trainer,
    ///     and save it (see `RunSaver`).
    public func events(
        onStep: ((TrainingProgress) throws -> Bool)? = nil,
        onEpoch: ((EpochRecord) throws -> Bool)? = nil
    ) -> TrainingEvents {
        TrainingEvents(trainer: self, onStep: onStep, onEpoch: onEpoch)
    }
}

/// A run on its thread, which is stopped where nobody is left to hear of it.
private final class EventRun: Sendable {
    let queue = EventQueue()

    init(_ events: TrainingEvents) {
        let thread = Thread { [queue] in
            queue.finish(
                Result {
                    try events.trainer.fit(
                        onStep: { progress in
                            queue.add(.step(progress))
                            return try events.onStep?(progress) ?? true && !queue.isStopRequested
                        },
                        onEpoch: { record in
                            queue.add(.epoch(record))
                            return try events.onEpoch?(record) ?? true && !queue.isStopRequested
                        })
                })
        }
        thread.stackSize = 8 << 20
        thread.start()
    }

    deinit {
        queue.requestStop()
        queue.waitUntilFinished()
    }
}

/// The events of a run that nobody has fetched yet, and who waits for the next one.
private final class EventQueue: Sendable {
    private struct State {
        var events: [TrainingEvent] = []
        /// What is told after the events, once.
        var outcome: Result<Trainer.Ending, any Error>?
        var isFinished = false
        var waiting: CheckedContinuation<TrainingEvent?, any Error>?
    }

    private let state = Mutex(State())
    private let stop = Atomic<Bool>(false)
    private let finished = DispatchSemaphore(value: 0)

    var isStopRequested: Bool { stop.load(ordering: .relaxed) }

    func requestStop() { stop.store(true, ordering: .relaxed) }

    func waitUntilFinished() { finished.wait() }

    func add(_ event: TrainingEvent) {
        state.withLock { state in
            if let waiting = state.waiting.take() { return waiting.resume(returning: event) }
            if case .step = event, case .step = state.events.last { state.events.removeLast() }
            state.events.append(event)
        }
    }

    func finish(_ outcome: Result<Trainer.Ending, any Error>) {
        state.withLock { state in
            state.outcome = outcome
            state.isFinished = true
            guard let waiting = state.waiting.take() else { return }
            Self.resume(waiting, &state)
        }
        finished.signal()
    }

    func next() async throws -> TrainingEvent? {
        try await withCheckedThrowingContinuation { continuation in
            state.withLock { state in Self.resume(continuation, &state) }
        }
    }

    /// Gives the oldest event, or the outcome once, and then nil; where there is nothing yet, `continuation` waits.
    private static func resume(
        _ continuation: CheckedContinuation<TrainingEvent?, any Error>, _ state: inout State
    ) {
        if !state.events.isEmpty { return continuation.resume(returning: state.events.removeFirst()) }
        guard state.isFinished else {
            state.waiting = continuation
            return
        }
        guard let outcome = state.outcome.take() else { return continuation.resume(returning: nil) }
        continuation.resume(with: outcome.map { .end($0) })
    }
}
