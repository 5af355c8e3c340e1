import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train --resume")
struct ResumeTests {
    private func train(_ arguments: [String], in folder: URL) async -> Outcome {
        await apus(["train"] + arguments + ["--output", folder.path])
    }

    @Test("A complete run is said to be complete, and reported on again")
    func complete() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await train(quickRun, in: directory).status == .success)
            let folder = RunFolder(at: directory)
            let before = try Data(contentsOf: folder.checkpoint)
            let outcome = await train(["--resume"], in: directory)
            #expect(outcome.status == .success)
            #expect(outcome.output.contains("is complete"))
            #expect(outcome.output.contains("weighted average"))
            #expect(try Data(contentsOf: folder.checkpoint) == before)
        }
    }

    @Test("What a killed process has left half written is removed")
    func leftovers() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await train(quickRun, in: directory).status == .success)
            let leftover = ".checkpoint.apus.\(UUID().uuidString).partial"
            for name in [leftover, ".mine.partial"] {
                try Data([1]).write(to: directory.appending(path: name))
            }
            #expect(await train(["--resume"], in: directory).status == .success)
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(!names.contains(leftover) && names.contains(".mine.partial"))
        }
    }

    @Test("Settings given again must be those of the run; threads may change")
    func settings() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await train(quickRun, in: directory).status == .success)
            #expect(await train(["--resume", "--threads", "2", "--quiet"], in: directory).status == .success)
            #expect(await train(["--resume"] + quickRun, in: directory).status == .success)
            for (given, mentions) in [
                (["--epochs", "3"], ["--epochs 3", "--epochs 2"]),
                (["--optimizer", "adam"], ["--optimizer adam", "--optimizer sgd"]),
                (["--schedule", "cosine"], ["--schedule cosine", "--schedule one-cycle"]),
                (["--nesterov"], ["--nesterov", "no --nesterov"]),
                (["--clip-norm", "1"], ["--clip-norm 1", "no --clip-norm"]),
                (["--data", "synthetic=301"], ["synthetic=301", "synthetic=300"]),
                (["--model", "lenet5-keras"], ["lenet5-keras", "--model lenet5\n"]),
            ] {
                let outcome = await train(["--resume"] + given, in: directory)
                #expect(outcome.status == .usage)
                for mention in mentions { #expect(outcome.errors.contains(mention), "\(outcome.errors)") }
            }
        }
    }

    @Test("Where there is no run, or a network without one, there is nothing to go on with")
    func nothing() async throws {
        try await withTemporaryDirectory { directory in
            let none = await train(["--resume"], in: directory.appending(path: "none"))
            #expect(none.status == .failure)
            #expect(none.errors.contains("holds no run"))

            #expect(await train(quickRun, in: directory).status == .success)
            let folder = RunFolder(at: directory)
            try Classifier.load(from: folder.checkpoint).save(to: folder.checkpoint)
            let bare = await train(["--resume"], in: directory)
            #expect(bare.status == .failure)
            #expect(bare.errors.contains("no run of training"))

            try Data("APUS, but not really".utf8).write(to: folder.checkpoint)
            #expect(await train(["--resume"], in: directory).status == .failure)
        }
    }

    @Test("The log holds every epoch once, even where it was ahead of the checkpoint")
    func log() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await train(quickRun, in: directory).status == .success)
            let folder = RunFolder(at: directory)
            let log = try Data(contentsOf: folder.log)
            // As a crash between writing the log and saving the checkpoint leaves it.
            try (log + log.suffix(100)).write(to: folder.log)
            #expect(await train(["--resume"], in: directory).status == .success)
            #expect(try Data(contentsOf: folder.log) == log)
        }
    }
}
