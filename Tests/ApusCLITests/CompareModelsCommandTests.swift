import ApusAnalysis
import ApusCLI
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus compare-models")
struct CompareModelsCommandTests {
    private let quick = ["--batch-size", "4", "--steps", "1", "--threads", "1"]

    @Test("The table and the JSON have a row for each model, and the chart a point")
    func models() async throws {
        try await withTemporaryDirectory { directory in
            let chart = directory.appending(path: "chart.png")
            let outcome = await apus(
                ["compare-models", "lenet5", "lenet5-keras", "--chart", chart.path] + quick, columns: 120)
            #expect(outcome.status == .success, "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines[0].hasPrefix("model ") && !lines[0].contains("accuracy"))
            #expect(lines[2].hasPrefix("lenet5 ") && lines[2].contains(" 61,706 "))
            #expect(lines[3].hasPrefix("lenet5-keras ") && lines[3].contains(" 193,630 "))
            _ = try PixelImage(contentsOf: chart)

            let json = await apus(["compare-models", "squeezenet1_1", "--json"] + quick)
            let comparison = try JSONDecoder().decode(ModelComparison.self, from: Data(json.output.utf8))
            #expect(comparison.entries.map(\.model) == ["squeezenet1_1"])
            #expect(comparison.entries[0].input == [224, 224, 3] && comparison.batchSize == 4)
        }
    }

    @Test("A run says its model's accuracy; a folder of runs stands for those in it")
    func runs() async throws {
        try await withTemporaryDirectory { directory in
            for name in ["a", "b"] {
                let line = [
                    "--output", directory.appending(path: name).path, "--seed", name == "a" ? "1" : "2",
                ]
                #expect(await apus(["train"] + quickRun + line).status == .success)
            }
            let results = try RunResult.runs(at: [directory])
            #expect(results.map(\.model) == ["lenet5", "lenet5"] && results.map(\.epochs) == [2, 2])
            #expect(results.allSatisfy { $0.data == "synthetic=300" && $0.input == [28, 28, 1] })
            let metrics = try Data(contentsOf: RunFolder(at: directory.appending(path: "a")).metrics)
            let report = try JSONDecoder().decode(ClassificationReport.self, from: metrics)
            #expect(results[0].accuracy == report.accuracy)

            let outcome = await apus(
                ["compare-models", "lenet5", "--runs", directory.path] + quick, columns: 120)
            #expect(outcome.status == .success, "\(outcome.errors)")
            let words = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let best = results.map(\.accuracy).max()!
            #expect(outcome.output.contains(String(format: "%.4f", best)))
            #expect(words.contains("on synthetic=300, 10 classes, after 2 epochs"))
        }
    }

    /// A folder of a run whose last checkpoint is of no run.
    private func untested(_ classifier: Classifier, at url: URL) throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        try classifier.save(to: RunFolder(at: url).checkpoint)
    }

    @Test(
        "A run that went on counts by its last test, and one that has none is left out, or refused where it is named"
    )
    func staleAndUntested() async throws {
        try await withTemporaryDirectory { directory in
            func url(_ name: String) -> URL { directory.appending(path: name) }
            #expect(await apus(["train"] + quickRun + ["--output", url("run").path]).status == .success)
            let folder = RunFolder(at: url("run"))
            let checkpoint = try Checkpoint(contentsOf: folder.checkpoint)
            let last = try #require(checkpoint.history.last?.testAccuracy)
            // What the run had come to before its last epoch: all wrong.
            var matrix = ConfusionMatrix(classNames: ["a", "b"])
            try matrix.record(actual: 0, predicted: 1)
            let report = try ClassificationReport(matrix, loss: 1)
            try folder.write(RunMetrics(report, history: checkpoint.history.dropLast()))
            #expect(try RunResult(folder).accuracy == last && last > 0)

            let classifier = try checkpoint.classifier()
            try untested(classifier, at: url("untested"))
            let unknown = try Classifier(
                modelName: "mine", network: classifier.network, classNames: classifier.classNames,
                preprocessing: classifier.preprocessing)
            try untested(unknown, at: url("unknown"))
            let outcome = await apus(
                ["compare-models", "lenet5", "-r", directory.path] + quick, columns: 200)
            #expect(
                outcome.status == .success && outcome.words.contains("accuracy of \(url("run").path) on"))
            #expect(outcome.errors.contains("\(url("untested").path) is left out: "))
            #expect(outcome.errors.contains("\(url("unknown").path) is left out: "))
            for (name, reason) in [
                ("untested", "has no accuracy: its network was not tested after 0 epochs"),
                ("unknown", "holds the model mine; known are"),
            ] {
                let refused = await apus(["compare-models", "lenet5", "-r", url(name).path] + quick)
                #expect(refused.status == .failure && refused.errors.contains(reason))
            }
        }
    }

    @Test("Runs of other models are compared where none is named, and else remarked on; so are other data")
    func otherModels() async throws {
        try await withTemporaryDirectory { directory in
            func run(_ name: String, _ options: String...) async -> String {
                let path = directory.appending(path: name).path
                #expect(await apus(["train"] + quickRun + ["--output", path] + options).status == .success)
                return path
            }
            let plain = await run("plain")
            let twelve = await run("twelve", "--classes", "12")
            let factored = await run("factored", "--model", "lenet5+fc1=20")
            let named = await apus(
                ["compare-models", "lenet5", "-r", directory.path] + quick, columns: 300)
            #expect(named.errors.contains("\(factored) is a run of lenet5+fc1=20, which is not compared"))
            #expect(!named.words.contains("lenet5+fc1=20"))
            #expect(named.words.contains("\(plain) is on") != named.words.contains("\(twelve) is on"))

            let all = await apus(
                ["compare-models", "-r", "\(twelve),\(factored)", "--batch-size", "1", "--steps", "1"],
                columns: 300)
            #expect(all.status == .success && all.errors.isEmpty)
            let rows = all.output.split(separator: "\n").map { $0.prefix { $0 != " " } }
            #expect(rows.contains("lenet5+fc1=20") && rows.contains("squeezenet1_1"))
            #expect(all.words.contains("The runs are on different data or classes"))
        }
    }

    @Test("A model that is unknown or given twice is refused, and so is a folder without runs")
    func refusals() async throws {
        let unknown = await apus("compare-models", "lenet6")
        #expect(unknown.status == .usage && unknown.errors.contains("did you mean 'lenet5'?"))
        let twice = await apus("compare-models", "lenet5", "lenet5")
        #expect(twice.status == .usage && twice.errors.contains("lenet5 is given more than once"))
        let runs = await apus("compare-models", "lenet5", "--runs", "/nowhere")
        #expect(runs.status == .failure && runs.errors.contains("/nowhere holds no run"))
        let cost = await apus("compare-models", "lenet5", "--cost", "time")
        #expect(cost.status == .usage && cost.errors.contains("--cost is for --chart"))
    }
}
