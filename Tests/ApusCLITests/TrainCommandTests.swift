import ApusCLI
import ApusData
import ApusModels
import ApusTraining
import Foundation
import TestSupport
import Testing

/// Options of a run that takes a fraction of a second.
let quickRun = ["--data", "synthetic=300", "--epochs", "2", "--batch-size", "30", "--threads", "1"]

/// What is read of `metrics.json`.
private struct Metrics: Decodable {
    var accuracy: Double
    var epochs: Int
    var bestEpoch: Int
    var bestTestAccuracy: Double
}

@Suite("apus train")
struct TrainCommandTests {
    private func contents(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

    private func epochs(inLogOf folder: RunFolder) throws -> [EpochRecord] {
        try contents(folder.log).split(separator: "\n").map {
            try JSONDecoder().decode(EpochRecord.self, from: Data($0.utf8))
        }
    }

    @Test("A run learns, and leaves its checkpoints, its log and its report in the folder")
    func learns() async throws {
        try await withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory.appending(path: "runs/one"))
            let outcome = await apus(
                "train", "--data=synthetic=1200", "--epochs=4", "--batch-size=30", "--output", folder.path)
            #expect(outcome.status == .success)
            #expect(outcome.errors.isEmpty)

            let metrics = try JSONDecoder().decode(Metrics.self, from: Data(contentsOf: folder.metrics))
            #expect(metrics.accuracy > 0.5, "chance is 0.1")
            #expect(metrics.epochs == 4)
            let log = try epochs(inLogOf: folder)
            #expect(log.map(\.epoch) == [1, 2, 3, 4])
            #expect(log.last?.testAccuracy == metrics.accuracy)
            #expect(log.best?.testAccuracy == metrics.bestTestAccuracy)
            #expect(log.best?.epoch == metrics.bestEpoch)

            let last = try Checkpoint(contentsOf: folder.checkpoint)
            #expect(last.progress?.epoch == 4)
            #expect(last.history == log)
            #expect(last.settings?["data"] == "synthetic=1200")
            let best = try Checkpoint(contentsOf: folder.bestCheckpoint)
            #expect(best.progress?.epoch == log.best?.epoch)

            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            #expect(
                files.filter { !$0.hasPrefix("events.out.tfevents.") } == [
                    "checkpoint-best.apus", "checkpoint.apus", "log.csv", "log.jsonl", "metrics.json",
                    "report.html",
                ])
            #expect(files.count == 7)
        }
    }

    @Test("Any number of threads, and a rerun, saves the same bits")
    func threads() async throws {
        try await withTemporaryDirectory { directory in
            var tensors: [[String: [UInt32]]] = []
            for (run, threads) in [1, 2, 3, 4, 1].enumerated() {
                let folder = RunFolder(at: directory.appending(path: "\(run)"))
                let trained = await apus(
                    ["train"] + quickRun.dropLast() + ["\(threads)", "--quiet", "--output", folder.path])
                #expect(trained.status == .success)
                tensors.append(try Checkpoint(contentsOf: folder.checkpoint).bits)
            }
            #expect(tensors.dropFirst().allSatisfy { $0 == tensors[0] })
            #expect(tensors[0].count == 20)
        }
    }

    @Test("In a pipe there is one line for each epoch, and nothing that moves the cursor")
    func plainLines() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(["train"] + quickRun + ["--output", directory.path])
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.filter { $0.contains(" 1/2 ") || $0.contains(" 2/2 ") }.count == 2)
            #expect(!outcome.output.contains("\u{1B}"))
            #expect(lines.allSatisfy { $0.count <= 80 || $0.contains(directory.path) })
            #expect(outcome.output.contains("61,706 parameters"))
            #expect(outcome.output.contains("weighted average"))
        }
    }

    @Test("On a terminal a bar is drawn, and cleared")
    func bar() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train"] + quickRun + ["--output", directory.path], isTerminal: true)
            #expect(outcome.output.contains("\r\u{1B}[KEpoch 1/2 ["))
            #expect(outcome.output.contains("\r\u{1B}[K    1/2 "))
        }
    }

    @Test("Advice names the program as it was called")
    func programName() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train"] + quickRun + ["--output", directory.path], programName: ".build/apus")
            #expect(outcome.output.hasSuffix(": .build/apus evaluate --checkpoint \(directory.path)\n"))
        }
    }

    @Test("On a narrow terminal the facts about the run are wrapped between words")
    func narrow() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train"] + quickRun + ["--output", directory.path], columns: 40)
            let facts = outcome.output.split(separator: "\n").prefix { !$0.contains("test loss") }
            #expect(facts.count > 10)
            #expect(facts.allSatisfy { $0.count <= 40 || $0.contains(directory.path) })
            let rows = outcome.output.split(separator: "\n").filter {
                $0.contains("1/2 ") || $0.contains("2/2 ")
            }
            #expect(rows.count == 2 && rows.allSatisfy { $0.count <= 40 })
            #expect(outcome.output.contains("\n  epoch  test loss  accuracy     time\n"))
        }
    }

    @Test("Where something else trains in the folder, no second run begins or goes on")
    func locked() async throws {
        try await withTemporaryDirectory { directory in
            let line = ["train"] + quickRun + ["--output", directory.path]
            let lock = try RunFolder(at: directory).lock()
            let first = await apus(line)
            #expect(first.status == .failure)
            #expect(first.errors.contains("is in use") && !first.errors.contains("--resume"))
            withExtendedLifetime(lock) {}
        }
        try await withTemporaryDirectory { directory in
            let line = ["train"] + quickRun + ["--output", directory.path]
            #expect(await apus(line).status == .success)
            let lock = try RunFolder(at: directory).lock()
            let second = await apus(line + ["--resume"])
            #expect(second.status == .failure)
            #expect(second.errors.contains("is in use"))
            withExtendedLifetime(lock) {}
        }
    }

    @Test("Images that a model is not for are refused with both names")
    func smallImages() async throws {
        try await withTemporaryDirectory { directory in
            // Two images of 3x3, all of one class.
            for prefix in ["train", "t10k"] {
                let images: [UInt8] = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 3]
                try Data(images + Array(repeating: 9, count: 18)).write(
                    to: directory.appending(path: "\(prefix)-images-idx3-ubyte"))
                try Data([0, 0, 8, 1, 0, 0, 0, 2, 0, 1] as [UInt8]).write(
                    to: directory.appending(path: "\(prefix)-labels-idx1-ubyte"))
            }
            let data = "mnist=\(directory.path)"
            let outcome = await apus("train", "--data", data, "--output", directory.path)
            #expect(outcome.status == .failure)
            #expect(
                outcome.errors.hasPrefix(
                    "apus: error: lenet5 cannot be built for the images of \(data), of 3x3x1: "))
        }
    }

    @Test("A quiet run writes nothing; its errors are still told")
    func quiet() async throws {
        try await withTemporaryDirectory { directory in
            let first = await apus(["train", "--quiet"] + quickRun + ["--output", directory.path])
            #expect(first.status == .success)
            #expect(first.output.isEmpty && first.errors.isEmpty)
            let second = await apus(["train", "--quiet"] + quickRun + ["--output", directory.path])
            #expect(second.status == .failure)
            #expect(second.output.isEmpty && !second.errors.isEmpty)
        }
    }

    @Test("A folder that holds a run is left alone, an empty one is taken")
    func takenFolder() async throws {
        try await withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory)
            let line = ["train"] + quickRun + ["--output", folder.path]
            #expect(await apus(line).status == .success)
            let before = try Data(contentsOf: folder.checkpoint)
            let again = await apus(line)
            #expect(again.status == .failure)
            #expect(again.errors.hasPrefix("apus: error: "))
            #expect(again.errors.contains("--resume") && again.errors.contains("--output"))
            #expect(again.errors.split(separator: "\n").count == 1)
            #expect(try Data(contentsOf: folder.checkpoint) == before)
            // Without a checkpoint there is nothing to resume.
            try FileManager.default.removeItem(at: folder.checkpoint)
            let bare = await apus(line)
            #expect(bare.status == .failure)
            #expect(!bare.errors.contains("--resume") && bare.errors.contains("--output"))
        }
    }

    @Test("More threads than cores are allowed, with a remark")
    func manyThreads() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train"] + quickRun.dropLast() + ["200", "--output", directory.path])
            #expect(outcome.status == .success)
            #expect(outcome.output.contains("note: 200 threads on"))
            let evaluation = await apus("evaluate", "--checkpoint", directory.path, "--threads", "200")
            #expect(evaluation.status == .success)
            #expect(evaluation.errors.hasPrefix("note: 200 threads on"))
            #expect(await apus("summary", "--threads", "200").errors.hasPrefix("note: 200 threads on"))
        }
    }

    @Test("Where the loss is no number training stops, and the checkpoint before it stays")
    func divergence() async throws {
        try await withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory)
            let outcome = await apus(
                ["train"] + quickRun + ["--learning-rate", "1e20", "--output", folder.path])
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains("diverged"))
            #expect(outcome.errors.contains("checkpoint.apus holds the run as it was before its first step"))
            let kept = try Checkpoint(contentsOf: folder.checkpoint)
            #expect(kept.progress?.step == 0)
        }
    }

    @Test("Where a later epoch diverges, the last good one stays")
    func laterDivergence() async throws {
        try await withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory)
            let outcome = await apus(
                ["train"] + quickRun
                    + ["--schedule", "step:every=1,gamma=1e20", "--output", folder.path])
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains("checkpoint.apus holds the run as it was after 1 epoch\n"))
            let kept = try Checkpoint(contentsOf: folder.checkpoint)
            #expect(kept.progress?.epoch == 1)
            #expect(kept.fileTensors.allSatisfy { $0.floats.allSatisfy { $0.isFinite } })
            #expect(try epochs(inLogOf: folder).count == 1)
        }
    }

    @Test(
        "An optimiser has its own defaults, which the checkpoint keeps",
        arguments: [
            ("gradient-descent", ["learning-rate": "0.05", "momentum": nil, "weight-decay": nil]),
            ("sgd", ["learning-rate": "0.05", "momentum": "0.9", "weight-decay": "0.0005", "nesterov": nil]),
            ("adam", ["learning-rate": "0.001", "momentum": nil, "weight-decay": "0"]),
            ("adamw", ["learning-rate": "0.001", "momentum": nil, "weight-decay": "0.01"]),
        ] as [(String, [String: String?])])
    func optimizers(name: String, expected: [String: String?]) async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                "train", "--data=synthetic=20", "--epochs=1", "--optimizer", name, "--output",
                directory.path, "--quiet")
            #expect(outcome.status == .success)
            let settings = try #require(
                try Checkpoint(contentsOf: RunFolder(at: directory).checkpoint).settings)
            #expect(settings["optimizer"] == name)
            for (option, value) in expected { #expect(settings[option] == value, "\(option)") }
        }
    }

    @Test("Every setting reaches the checkpoint")
    func settings() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                "train", "--model=lenet5-1998", "--data=synthetic=20", "--epochs=1", "--batch-size=7",
                "--seed=3", "--learning-rate=0.01", "--momentum=0.5", "--nesterov", "--weight-decay=0.1",
                "--schedule=cosine:minimum=0.001", "--clip-norm=2", "--loss=mean-squared-error",
                "--output", directory.path)
            #expect(outcome.status == .success)
            let checkpoint = try Checkpoint(contentsOf: RunFolder(at: directory).checkpoint)
            #expect(
                checkpoint.settings == [
                    "model": "lenet5-1998", "data": "synthetic=20", "epochs": "1", "batch-size": "7",
                    "seed": "3", "optimizer": "sgd", "learning-rate": "0.01", "momentum": "0.5",
                    "nesterov": "true", "weight-decay": "0.1", "schedule": "cosine:minimum=0.001",
                    "clip-norm": "2", "loss": "mean-squared-error",
                ])
        }
    }

    @Test(
        "A wrong command line is explained, with what was meant",
        arguments: [
            (["--model", "lenet6"], "did you mean 'lenet5'?"),
            (["--optimizer", "sdg"], "did you mean 'sgd'?"),
            (["--learning-rat", "1"], "did you mean '--learning-rate'?"),
            (["--data", "fashion-mnits"], "did you mean 'fashion-mnist'?"),
            (["--schedule", "cosin"], "did you mean 'cosine'?"),
            (["--batch-size", "0"], "--batch-size must be between 1 and"),
            (["--epochs", "0"], "--epochs must be between 1 and"),
            (["--epochs", "abc"], "--epochs must be a whole number, between 1 and 100000, found 'abc'"),
            (["--label-smoothing", "1"], "--label-smoothing must be at least 0 and less than 1"),
            (
                quickRun + ["--schedule", "cosine:warm-up=20"],
                "--schedule: the schedule's warm-up must be less than the 20 steps of the run"
            ),
            (["--threads", "0"], "--threads must be between 1 and"),
            (["--micro-batch", "0"], "--micro-batch must be between 1 and"),
            (["--image-size", "0"], "--image-size must be a number such as 64"),
            (["--image-size", "64x"], "--image-size must be a number such as 64"),
            (["--image-size", "64x64x3"], "--image-size must be a number such as 64"),
            (["--image-size", "4097"], "of at most 4096, found 4097"),
            (["--classes", "0"], "--classes must be between 1 and 65536"),
            (["--freeze", "conv1.*,"], "--freeze must be names or patterns, separated by commas"),
            (["--recipe", "squeezent"], "did you mean 'squeezenet'?"),
            (["--momentum", "1"], "--momentum must be at least 0 and less than 1"),
            (["--optimizer", "adam", "--momentum", "0.9"], "--momentum does not go with --optimizer adam"),
            (["--optimizer", "gradient-descent", "--weight-decay", "0"], "--weight-decay does not go"),
            (["--nesterov", "--momentum", "0"], "Nesterov"),
            (["--loss", "mean-squared-error", "--label-smoothing", "0.1"], "--label-smoothing does not go"),
        ])
    func usage(arguments: [String], mention: String) async {
        let outcome = await apus(["train"] + arguments)
        #expect(outcome.status == .usage)
        #expect(outcome.errors.hasPrefix("apus train: "))
        #expect(outcome.errors.contains(mention), "\(outcome.errors)")
    }

    @Test("Data and folders that are not there are errors of one line")
    func missing() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "file")
            try Data().write(to: file)
            for arguments in [
                ["--data=mnist=/nowhere"], quickRun + ["--output", file.path],
                quickRun + ["--output", file.appending(path: "run").path],
            ] {
                let outcome = await apus(["train"] + arguments)
                #expect(outcome.status == .failure)
                #expect(outcome.errors.hasPrefix("apus: error: "))
                #expect(outcome.errors.split(separator: "\n").count == 1)
            }
        }
    }
}

extension Checkpoint {
    /// The bits of all tensors.
    var bits: [String: [UInt32]] {
        Dictionary(uniqueKeysWithValues: fileTensors.map { ($0.name, $0.floats.map(\.bitPattern)) })
    }
}
