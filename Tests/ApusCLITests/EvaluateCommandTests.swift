import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus evaluate")
struct EvaluateCommandTests {
    @Test("The JSON is a report whose figures follow from its confusion matrix")
    func json() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await apus(["train"] + quickRun + ["--output", directory.path]).status == .success)
            let outcome = await apus("evaluate", "--checkpoint", directory.path, "--json")
            #expect(outcome.status == .success)
            #expect(outcome.errors.isEmpty)
            #expect(outcome.output.split(separator: "\n").count == 1)

            let report = try JSONDecoder().decode(ClassificationReport.self, from: Data(outcome.output.utf8))
            let confusion = report.confusion
            let total = confusion.joined().reduce(0, +)
            #expect(total == 50)
            let correct = confusion.indices.reduce(0) { $0 + confusion[$1][$1] }
            #expect(report.accuracy == Double(correct) / 50)
            for (index, scores) in report.perClass.enumerated() {
                let predicted = confusion.reduce(0) { $0 + $1[index] }
                let actual = confusion[index].reduce(0, +)
                let hits = Double(confusion[index][index])
                #expect(scores.support == actual)
                #expect(scores.precision == (predicted == 0 ? 0 : hits / Double(predicted)))
                #expect(scores.recall == (actual == 0 ? 0 : hits / Double(actual)))
            }
            let metrics = try Data(contentsOf: RunFolder(at: directory).metrics)
            #expect(try JSONDecoder().decode(ClassificationReport.self, from: metrics) == report)
        }
    }

    @Test("Batch size and threads change nothing; a run's folder and its checkpoint are the same")
    func sameReport() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await apus(["train"] + quickRun + ["--output", directory.path]).status == .success)
            let file = RunFolder(at: directory).checkpoint.path
            let lines = [
                ["--checkpoint", directory.path], ["--checkpoint", file, "--threads", "3"],
                ["--checkpoint", file, "--data", "synthetic=300"],
            ]
            var reports: Set<String> = []
            for line in lines {
                let outcome = await apus(["evaluate", "--json"] + line)
                #expect(outcome.status == .success)
                reports.insert(outcome.output)
            }
            #expect(reports.count == 1)
        }
    }

    @Test("The table says which file was read, after how much training, and on what")
    func table() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await apus(["train"] + quickRun + ["--output", directory.path]).status == .success)
            let outcome = await apus("evaluate", "--checkpoint", directory.path)
            #expect(outcome.output.contains("checkpoint.apus: lenet5 after 2 epochs\n"))
            #expect(outcome.output.contains("on the 50 test images of synthetic=300:\n"))
            #expect(outcome.output.contains("class 9"))
            let best = await apus(
                "evaluate", "--checkpoint", RunFolder(at: directory).bestCheckpoint.path)
            #expect(best.output.contains("checkpoint-best.apus: lenet5 after"))
        }
    }

    @Test("What is no checkpoint, or does not say its data, is an error")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let empty = await apus("evaluate", "--checkpoint", directory.path, "--json")
            #expect(empty.status == .failure)
            #expect(empty.output.isEmpty && empty.errors.contains("holds no run"))

            let file = directory.appending(path: "file")
            try Data("something else".utf8).write(to: file)
            let foreign = await apus("evaluate", "--checkpoint", file.path)
            #expect(foreign.status == .failure)
            #expect(foreign.errors.contains("begins with APUS"))

            #expect(await apus("evaluate").status == .usage)
            let run = directory.appending(path: "run")
            #expect(await apus(["train"] + quickRun + ["--output", run.path]).status == .success)
            let bare = directory.appending(path: "net.apus")
            try Classifier.load(from: RunFolder(at: run).checkpoint).save(to: bare)
            let undecided = await apus("evaluate", "--checkpoint", bare.path)
            #expect(undecided.status == .usage)
            #expect(undecided.errors.contains("--data"))
        }
    }
}
