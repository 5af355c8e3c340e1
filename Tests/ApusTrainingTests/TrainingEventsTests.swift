import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("A run as a sequence of events")
struct TrainingEventsTests {
    private func trainer(_ configuration: TrainingConfiguration? = nil) throws -> Trainer {
        try SmallTask.trainer(
            SmallTask.data(), configuration ?? SmallTask.configuration(SmallTask.optimizers[0]))
    }

    /// More epochs than anybody waits for, however late a busy machine comes to the test's next line.
    private var endless: TrainingConfiguration {
        var configuration = SmallTask.configuration(SmallTask.optimizers[0])
        configuration.epochs = 1 << 30
        return configuration
    }

    private func slowly(_ progress: TrainingProgress) -> Bool {
        usleep(2000)
        return true
    }

    @Test("It trains as fit does, and tells of every epoch and the end")
    func complete() async throws {
        let whole = try trainer()
        try whole.fit()
        let trainer = try trainer()
        var steps: [Int] = []
        var epochs: [EpochRecord] = []
        var last: TrainingEvent?
        for try await event in trainer.events() {
            switch event {
            case .step(let progress): steps.append(progress.step)
            case .epoch(let record): epochs.append(record)
            case .end: break
            }
            last = event
        }
        #expect(last == .end(.completed))
        #expect(epochs == trainer.history && epochs.count == 4)
        // Steps that come too fast are left out, but never in another order.
        #expect(steps == steps.sorted() && Set(steps).count == steps.count)
        #expect(steps.allSatisfy { (1...16).contains($0) })
        #expect(trainer.classifier.bits == whole.classifier.bits)
    }

    @Test("Who comes late still hears of every epoch")
    func slow() async throws {
        let trainer = try trainer()
        var events: [TrainingEvent] = []
        for try await event in trainer.events() {
            if events.isEmpty { try await Task.sleep(for: .milliseconds(200)) }
            events.append(event)
        }
        let epochs = events.compactMap { event -> Int? in
            if case .epoch(let record) = event { record.epoch } else { nil }
        }
        #expect(epochs == [1, 2, 3, 4])
        // What had to wait is a step at most before each epoch.
        #expect(events.count <= 1 + 4 * 2 + 1)
    }

    @Test("Cancelling the task stops the run at a step; it goes on to the same bits")
    func cancellation() async throws {
        let configuration = endless
        let trainer = try trainer(configuration)
        let events = trainer.events(onStep: slowly)
        let task = Task {
            var last: TrainingEvent?
            for try await event in events {
                last = event
                withUnsafeCurrentTask { $0?.cancel() }
            }
            return last
        }
        #expect(try await task.value == .end(.stopped))
        let stopped = trainer.progress
        #expect(stopped.step >= 1 && !trainer.isComplete)
        // The trainer is at rest.
        let bits = trainer.classifier.bits
        try await Task.sleep(for: .milliseconds(20))
        #expect(trainer.progress == stopped && trainer.classifier.bits == bits)

        let goal = stopped.step + 5
        try trainer.fit(onStep: { $0.step < goal })
        let whole = try self.trainer(configuration)
        try whole.fit(onStep: { $0.step < goal })
        #expect(trainer.classifier.bits == whole.classifier.bits)
    }

    @Test("Leaving the loop stops the run, and waits for its step")
    func leaving() async throws {
        let configuration = endless
        let trainer = try trainer(configuration)
        for try await _ in trainer.events(onStep: slowly) { break }
        let stopped = trainer.progress
        #expect(stopped.step >= 1 && !trainer.isComplete)
        try await Task.sleep(for: .milliseconds(20))
        #expect(trainer.progress == stopped)
    }

    @Test("Callbacks run on the way, and may stop the run; what they throw ends the sequence")
    func callbacks() async throws {
        struct Enough: Error {}
        let folder = try TemporaryFolder()
        let first = try trainer()
        let saver = RunSaver(first, in: try .new(at: folder.url))
        var last: TrainingEvent?
        for try await event in first.events(
            onStep: { $0.step < 6 }, onEpoch: { try saver.keep($0) })
        {
            last = event
        }
        #expect(last == .end(.stopped))
        #expect(first.progress.step == 6)
        #expect(try Checkpoint(contentsOf: saver.folder.checkpoint).progress?.epoch == 1)

        let second = try trainer()
        await #expect(throws: Enough.self) {
            for try await _ in second.events(onEpoch: { _ in throw Enough() }) {}
        }
        #expect(second.history.count == 1)
    }

    @Test("A run that diverges ends its sequence with the error, and then there is nothing more")
    func divergence() async throws {
        var configuration = SmallTask.configuration(GradientDescent(learningRate: 1e20))
        configuration.clipNorm = nil
        let iterator = try trainer(configuration).events().makeAsyncIterator()
        await #expect(throws: TrainingError.self) {
            while try await iterator.next() != nil {}
        }
        #expect(try await iterator.next() == nil)
    }
}
