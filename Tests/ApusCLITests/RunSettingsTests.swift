import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train, the course of a run")
struct RunSettingsTests {
    private func train(_ arguments: [String], in folder: URL) async -> Outcome {
        await apus(["train"] + arguments + ["--output", folder.path])
    }

    private func checkpoint(_ folder: URL) throws -> Checkpoint {
        try Checkpoint(contentsOf: RunFolder(at: folder).checkpoint)
    }

    @Test("Every setting reaches the checkpoint, and a resumed run takes it over")
    func settings() async throws {
        try await withTemporaryDirectory { directory in
            let options = [
                "accumulate": "2", "class-weights": "1,2,1,1,1,1,1,1,1,0.5", "ema": "0.9", "patience": "7",
                "patience-on": "loss", "min-improvement": "0.001", "save-every": "90s", "keep": "1",
            ]
            let line = options.map { "--\($0)=\($1)" }
            #expect(await train(quickRun + line, in: directory).status == .success)
            let settings = try #require(try checkpoint(directory).settings)
            for (name, value) in options { #expect(settings[name] == value, "\(name)") }
            let resumed = await train(["--resume"], in: directory)
            #expect(resumed.status == .success && resumed.output.contains("is complete"))
            #expect(await train(["--resume"] + line, in: directory).status == .success)
            let other = await train(["--resume", "--ema", "0.8"], in: directory)
            #expect(other.status == .usage)
            #expect(other.errors.contains("--ema 0.8") && other.errors.contains("--ema 0.9"))
            #expect(await train(["--resume", "--patience", "8"], in: directory).status == .usage)
        }
    }

    @Test("What decides no bits may change when a run is taken up")
    func changeable() async throws {
        try await withTemporaryDirectory { directory in
            let line = quickRun + ["--keep", "2", "--save-every", "2m"]
            #expect(await train(line, in: directory).status == .success)
            #expect(
                await train(["--resume", "--keep=1", "--save-every=5"], in: directory).status == .success)
        }
    }

    @Test("A run that gets no better stops early, says so, and is complete")
    func patience() async throws {
        try await withTemporaryDirectory { directory in
            let line =
                quickRun.filter { $0 != "2" && $0 != "--epochs" } + [
                    "--epochs", "20", "--learning-rate", "0", "--patience", "2",
                ]
            let outcome = await train(line, in: directory)
            #expect(outcome.status == .success)
            #expect(outcome.output.contains("patience   2 epochs without better accuracy\n"))
            #expect(outcome.output.contains("Stopped early: 2 epochs brought no better accuracy.\n"))
            #expect(try checkpoint(directory).history.count == 3)
            let metrics = try JSONSerialization.jsonObject(
                with: Data(contentsOf: RunFolder(at: directory).metrics))
            #expect((metrics as? [String: Any])?["stoppedEarly"] as? Bool == true)
            #expect(await train(["--resume"], in: directory).output.contains("is complete"))
        }
    }

    @Test("Accumulated batches give the bits of a large one")
    func accumulate() async throws {
        try await withTemporaryDirectory { directory in
            let (one, two) = (directory.appending(path: "one"), directory.appending(path: "two"))
            let common = ["--data=synthetic=300", "--epochs=1", "--threads=2"]
            #expect(await train(common + ["--batch-size=60"], in: one).status == .success)
            let outcome = await train(common + ["--batch-size=15", "--accumulate=4"], in: two)
            #expect(outcome.status == .success)
            #expect(outcome.output.contains("1 epoch of 5 steps, batches of 60 (accumulated from 4 of 15)"))
            let (large, accumulated) = (try checkpoint(one).bits, try checkpoint(two).bits)
            #expect(accumulated == large)
        }
    }

    @Test("The average of the weights is what evaluate tests, and convert writes")
    func average() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await train(quickRun + ["--ema", "0.9", "--quiet"], in: directory)
            #expect(outcome.status == .success)
            let (checkpoint, folder) = (try checkpoint(directory), RunFolder(at: directory))
            let json = try await apus("evaluate", "--checkpoint", directory.path, "--json").json()
            #expect(json["accuracy"] as? Double == checkpoint.history.last?.testAccuracy)
            let file = directory.appending(path: "net.safetensors")
            #expect(await apus("convert", folder.checkpoint.path, file.path).status == .success)
            let shown = await apus("inspect", file.path).output
            #expect(shown.contains("conv1.weight") && !shown.contains("raw."))
        }
    }

    @Test("Classes may be weighed by their images")
    func balanced() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await train(quickRun + ["--class-weights", "balanced"], in: directory)
            #expect(outcome.status == .success)
            let words = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("class weights balanced"))
        }
    }

    @Test(
        "A wrong command line is explained",
        arguments: [
            (["--save-every", "0"], "--save-every must be a number of steps such as 500, or a time"),
            (["--save-every", "5 minutes"], "--save-every must be a number of steps"),
            (["--save-every", "-3s"], "--save-every"),
            (["--keep", "-1"], "--keep"),
            (["--patience", "0"], "--patience must be between 1 and"),
            (["--patience-on", "los"], "did you mean 'loss'?"),
            (["--patience-on", "loss"], "--patience-on does not go without --patience"),
            (["--min-improvement", "0.1"], "--min-improvement does not go without --patience"),
            (["--accumulate", "0"], "--accumulate must be between 1 and"),
            (["--ema", "1"], "--ema must be at least 0 and less than 1"),
            (["--class-weights", "1,,2"], "--class-weights must be balanced, or a number above 0"),
            (["--class-weights", "1,0"], "--class-weights must be balanced, or a number above 0"),
            (
                quickRun + ["--class-weights", "1,2"],
                "--class-weights: 2 class weights; there are 10 classes"
            ),
            (
                ["--loss", "mean-squared-error", "--class-weights", "balanced"],
                "--class-weights does not go with --loss mean-squared-error"
            ),
        ])
    func usage(arguments: [String], mention: String) async {
        let outcome = await apus(["train"] + arguments)
        #expect(outcome.status == .usage)
        #expect(outcome.errors.contains(mention), "\(outcome.errors)")
    }

    @Test(
        "A time is written in the unit in which it is whole",
        arguments: [
            ("500", "500"), ("90s", "90s"), ("120s", "2m"), ("1.5h", "90m"), ("2h", "2h"), ("0.5s", "0.5s"),
        ])
    func intervals(text: String, expected: String) async throws {
        try await withTemporaryDirectory { directory in
            let line = ["--data=synthetic=20", "--epochs=1", "--save-every", text]
            #expect(await train(line, in: directory).status == .success)
            let settings = try checkpoint(directory).settings
            #expect(settings?["save-every"] == expected)
        }
    }
}
