import ApusCLI
import ApusData
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus fit-head")
struct FitHeadCommandTests {
    @Test("The head of a run's network is fitted anew, and the checkpoint is one like others")
    func run() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run").path
            #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
            let file = directory.appending(path: "head.apus")
            let outcome = await apus("fit-head", "-c", run, "-o", file.path)
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(outcome.output.contains("300 images of synthetic=300: 84 features, 10 classes"))
            #expect(outcome.output.contains("error held out"))

            let (old, new) = try (
                Checkpoint(contentsOf: RunFolder(at: URL(fileURLWithPath: run)).checkpoint),
                Checkpoint(contentsOf: file)
            )
            #expect(new.settings == nil && new.classNames == old.classNames)
            for (before, after) in zip(old.parameters, new.parameters) {
                #expect((before == after) == !before.name.hasPrefix("fc3"), "\(before.name)")
            }
            let report = await apus("evaluate", "-c", file.path, "-d", "synthetic=300", "--json")
            let accuracy = try #require(try report.json()["accuracy"] as? Double)
            #expect(outcome.output.contains(String(format: "%.4f", accuracy)))
        }
    }

    @Test("A network of any weights gets a head for the data's classes; JSON says all of it")
    func model() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "head.apus")
            let outcome = await apus(
                "fit-head", "-m", "squeezenet1_1", "-d", "synthetic=60", "--image-size", "32", "--ridge",
                "10",
                "-o", file.path, "--json")
            #expect(outcome.status == .success, "\(outcome.errors)")
            let json = try outcome.json()
            let head = try #require(json["head"] as? [String: Any])
            #expect(head["penalty"] as? Double == 10 && head["features"] as? Int == 512)
            #expect(json["accuracyBefore"] is Double && json["accuracyAfter"] is Double)
            let again = directory.appending(path: "again.apus")
            let second = await apus(
                "fit-head", "-w", file.path, "-d", "synthetic=60", "--image-size", "32", "--ridge", "10",
                "-o",
                again.path)
            let given = await apus(
                "fit-head", "-m", "lenet5", "-d", "synthetic=60", "--mean", "0.5", "--deviation", "0.25",
                "--ridge", "10", "-o", directory.appending(path: "given.apus").path)
            #expect(given.status == .success, "\(given.errors)")
            let constants = try Checkpoint(contentsOf: directory.appending(path: "given.apus")).normalization
            #expect(constants.mean == [0.5] && constants.deviation == [0.25])
            #expect(second.status == .success && second.output.contains("sets 52 of 52 parameters"))
            #expect(try Data(contentsOf: again) == Data(contentsOf: file))
        }
    }

    @Test("Where there is no solution, the error says which penalty, LAPACK's code and what helps")
    func singular() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "head.apus")
            let outcome = await apus(
                "fit-head", "-m", "lenet5", "-d", "synthetic=50", "--ridge", "0", "-o", file.path)
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains("with a penalty of 0.0"), "\(outcome.errors)")
            #expect(outcome.errors.contains("a greater penalty helps"))
            #expect(!FileManager.default.fileExists(atPath: file.path))
        }
    }

    @Test(
        "Options that do not go together are errors of usage",
        arguments: [
            ([], "--checkpoint or --model is required"),
            (["-c", "x", "-m", "lenet5"], "--model does not go with --checkpoint"),
            (["-c", "x", "--seed", "2"], "--seed does not go with --checkpoint"),
            (["-m", "lenet5"], "--data <dataset> is required"),
            (["-m", "lenet5", "--ridge", "1,-2"], "at least 0"),
            (["-m", "lenet5", "-d", "synthetic=50", "--mean", "0.5"], "go together"),
        ])
    func usage(arguments: [String], reason: String) async {
        let outcome = await apus(["fit-head", "-o", "never.apus"] + arguments)
        #expect(outcome.status == .usage && outcome.errors.contains(reason), "\(outcome.errors)")
    }

    @Test("The checkpoint that is read is not replaced, and of other classes there is no head")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "head.apus").path
            let made = await apus(
                "fit-head", "-m", "lenet5", "-d", "synthetic=100", "--ridge", "1", "-o", file)
            #expect(made.status == .success)
            let same = await apus("fit-head", "-c", file, "-d", "synthetic=100", "-o", file)
            #expect(same.status == .failure && same.errors.contains("name another file for the output"))
            let nowhere = await apus(
                "fit-head", "-c", file, "-d", "folder=/nowhere", "-o", file + "/net.apus")
            #expect(nowhere.status == .failure && nowhere.errors.contains("head.apus/net.apus"))
            let unknown = await apus("fit-head", "-c", file, "-o", file + "2")
            #expect(unknown.status == .usage && unknown.errors.contains("--data <dataset> is required"))
        }
    }
}
