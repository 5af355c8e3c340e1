import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Saving a run as it goes on")
struct RunSaverTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func trainer() throws -> Trainer {
        try SmallTask.trainer(SmallTask.data(), SmallTask.configuration(SmallTask.optimizers[1]))
    }

    @Test("The last epochs keep their checkpoints, beside the best and the last", arguments: [0, 1, 3, 9])
    func keeps(count: Int) throws {
        let run = try RunFolder.new(at: folder.url)
        let trainer = try trainer()
        let saver = RunSaver(trainer, in: run, settings: ["seed": "9"], keeping: count)
        try trainer.fit(onEpoch: { record in
            try saver.keep(record)
            let epoch = record.epoch
            #expect(run.keptEpochs == Array((1...epoch).suffix(count)))
            return true
        })
        for epoch in run.keptEpochs {
            let checkpoint = try Checkpoint(contentsOf: run.checkpoint(afterEpoch: epoch))
            #expect(checkpoint.progress?.epoch == epoch && checkpoint.history.count == epoch)
            #expect(checkpoint.settings == ["seed": "9"])
        }
        #expect(try Checkpoint(contentsOf: run.checkpoint).progress?.epoch == 4)
        let best = try Checkpoint(contentsOf: run.bestCheckpoint)
        let accuracies = trainer.history.compactMap(\.testAccuracy)
        #expect(best.history.last?.testAccuracy == accuracies.max())
        let names = ["checkpoint-best.apus", "checkpoint.apus", "log.csv", "log.jsonl"]
        let found = try folder.names().filter { !$0.hasPrefix("events.") }
        #expect(found == (names + (count > 0 ? ["checkpoints"] : [])).sorted())
    }

    @Test("A run is saved every so many steps, counted from the last time")
    func steps() throws {
        let run = try RunFolder.new(at: folder.url)
        let trainer = try trainer()
        let saver = RunSaver(trainer, in: run, every: .steps(3))
        var saved: [Int] = []
        try saver.save()
        try trainer.fit(
            onStep: { _ in
                try saver.keepStep()
                saved.append(try #require(try Checkpoint(contentsOf: run.checkpoint).progress?.step))
                return true
            }, onEpoch: { try saver.keep($0) })
        // Epochs have four steps, and are saved at their end.
        #expect(saved == [0, 0, 3, 3, 4, 4, 7, 7, 8, 8, 11, 11, 12, 12, 15, 15])
    }

    @Test("A run is saved when so much time has passed, or only after epochs")
    func seconds() throws {
        for (interval, expected) in [
            (.seconds(0), 3), (.seconds(3600), 0), (.seconds(.infinity), 0), (.seconds(.nan), 0), (nil, 0),
        ] as [(SaveInterval?, Int)] {
            let run = RunFolder(at: folder.url)
            let trainer = try trainer()
            let saver = RunSaver(trainer, in: run, every: interval)
            try saver.save()
            try trainer.fit(onStep: { progress in
                try saver.keepStep()
                return progress.step < 3
            })
            #expect(try Checkpoint(contentsOf: run.checkpoint).progress?.step == expected)
        }
    }

    /// The messages of a file of TFRecords.
    private func messages(_ name: String) throws -> [Data] {
        var rest = try Data(contentsOf: folder.url.appending(path: name))[...]
        var messages: [Data] = []
        while rest.count >= 16 {
            let length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
            messages.append(Data(rest.dropFirst(12).prefix(length)))
            rest = rest.dropFirst(12 + length + 4)
        }
        #expect(rest.isEmpty)
        return messages
    }

    @Test("Each process has a file of its own for TensorBoard, which begins at its first step")
    func events() throws {
        let run = try RunFolder.new(at: folder.url)
        let first = try trainer()
        let saver = RunSaver(first, in: run, logging: 3)
        try first.fit(
            onStep: { _ in try saver.keepStep() },
            onEpoch: { record in
                try saver.keep(record)
                return record.epoch < 2
            })
        let second = try trainer()
        try second.resume(from: Checkpoint(contentsOf: run.checkpoint))
        let other = RunSaver(second, in: run, logging: 3)
        try second.fit(onStep: { _ in try other.keepStep() }, onEpoch: { try other.keep($0) })

        let names = try folder.names().filter { $0.hasPrefix("events.out.tfevents.") }
        #expect(names.count == 2)
        // A version and a start, then steps 3 and 6 and the epochs of step 4 and 8; later 9, 12, 15, and 12 and 16.
        #expect(try names.map { try messages($0).count } == [2 + 2 + 2, 2 + 3 + 2])
        // After nine bytes of time: field 2, the step.
        let steps = try names.map { try messages($0).dropFirst().map { [$0[9], $0[10]] } }
        #expect(steps[0] == [1, 3, 4, 6, 8].map { [0x10, $0] })
        #expect(steps[1] == [9, 9, 12, 12, 15, 16].map { [0x10, $0] })
    }

    @Test("Where a checkpoint cannot be written, those before it stay")
    func fails() throws {
        let run = try RunFolder.new(at: folder.url)
        let trainer = try trainer()
        let saver = RunSaver(trainer, in: run, keeping: 1)
        try trainer.fit(onEpoch: { record in
            try saver.keep(record)
            return record.epoch < 2
        })
        let last = try Data(contentsOf: run.checkpoint)
        // A folder in the way of the next one.
        try FileManager.default.createDirectory(
            at: run.checkpoint(afterEpoch: 3), withIntermediateDirectories: false)
        #expect(throws: FileError.self) { try trainer.fit(onEpoch: { try saver.keep($0) }) }
        #expect(try Data(contentsOf: run.checkpoint) == last)
        #expect(try Data(contentsOf: run.checkpoint(afterEpoch: 2)) == last)
    }

    @Test("A folder with the checkpoint of an epoch holds a run; what else is there is nobody's")
    func holds() throws {
        let run = RunFolder(at: folder.url)
        try FileManager.default.createDirectory(
            at: run.epochCheckpoints, withIntermediateDirectories: false)
        for name in ["epoch-1.apus", "epoch-00002.apus.bak", "notes"] {
            try Data([1]).write(to: run.epochCheckpoints.appending(path: name))
        }
        #expect(run.keptEpochs.isEmpty)
        #expect(throws: Never.self) { try run.checkIsNew() }
        try Data([1]).write(to: run.checkpoint(afterEpoch: 123_456))
        #expect(run.keptEpochs == [123_456])
        #expect(throws: RunFolderError.self) { try run.checkIsNew() }
    }

    @Test("What killed processes have left half written is removed, checkpoints of epochs included")
    func leftovers() throws {
        let run = try RunFolder.new(at: folder.url)
        let trainer = try trainer()
        let saver = RunSaver(trainer, in: run, keeping: 1)
        try trainer.fit(onEpoch: { record in
            try saver.keep(record)
            return false
        })
        let partial = ".epoch-00002.apus.\(UUID().uuidString).partial"
        for name in [partial, ".mine.partial"] {
            try Data([1]).write(to: run.epochCheckpoints.appending(path: name))
        }
        run.removeLeftovers()
        let names = try FileManager.default.contentsOfDirectory(atPath: run.epochCheckpoints.path)
        #expect(names.sorted() == [".mine.partial", "epoch-00001.apus"])
    }
}
