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
            let best = results.map(\.accuracy).max()!
            #expect(outcome.output.contains(String(format: "%.4f", best)))
            #expect(outcome.output.contains("on synthetic=300, 10 classes, after 2 epochs"))
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
