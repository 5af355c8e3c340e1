import ApusAnalysis
import ApusKernels
import ApusModels
import ApusNN
import Foundation
import Testing

@Suite("Comparisons of models")
struct ModelComparisonTests {
    private func comparison(_ runs: [RunResult] = []) throws -> ModelComparison {
        try ModelComparison(
            [LeNet5(), LeNet5Tutorial()], batchSize: 4, threads: 1, steps: 1, runs: runs)
    }

    private func run(_ model: String, accuracy: Double, side: Int = 28, classes: Int = 10) -> RunResult {
        RunResult(
            path: "runs/\(accuracy)", model: model, input: [side, side, 1], classes: classes, data: "data",
            epochs: 3, accuracy: accuracy)
    }

    @Test("A model's costs are those of its plan, and its times are measured")
    func costs() throws {
        let comparison = try comparison()
        #expect(comparison.entries.map(\.model) == ["lenet5", "lenet5-keras"])
        for (entry, model) in zip(comparison.entries, [LeNet5(), LeNet5Tutorial()] as [any Model]) {
            let network = try Network(model)
            let summary = try network.summary(batchSize: 4, threads: 1)
            #expect(entry.parameters == network.parameterCount && entry.weightBytes == 4 * entry.parameters)
            #expect(entry.multiplyAdds == network.multiplyAdds && entry.input == [28, 28, 1])
            #expect(entry.activationBytes == summary.memory.activationBytes && entry.run == nil)
            #expect(entry.forward.measuredSeconds > 0 && entry.step.measuredSeconds > 0)
            #expect(0 < entry.forward.leastSeconds && entry.forward.leastSeconds < entry.step.leastSeconds)
        }
        let text = try JSONEncoder().encode(comparison)
        #expect(try JSONDecoder().decode(ModelComparison.self, from: text).entries == comparison.entries)
    }

    @Test("The most accurate run of a model counts, and says for which images and classes it is built")
    func runs() throws {
        let best = run("lenet5", accuracy: 0.9, classes: 7)
        let others = [run("lenet5", accuracy: 0.8), run("squeezenet1_1", accuracy: 0.99)]
        let comparison = try comparison([others[0], best, others[1]])
        let entries = comparison.entries
        #expect(comparison.otherRuns == others)
        #expect(entries[0].run == best && entries[0].classes == 7)
        #expect(entries[0].parameters == (try Network(LeNet5(classes: 7))).parameterCount)
        #expect(entries[1].run == nil && entries[1].classes == 10)
    }

    @Test("The chart sets cost against parameters, or where runs are known against their accuracy")
    func chart() throws {
        let untrained = try comparison()
        let plot = untrained.plot(.operations)
        #expect(plot.points.map(\.label) == ["lenet5", "lenet5-keras"])
        #expect(plot.points.map(\.x) == [416_520, 2_993_000] && plot.points.map(\.y) == [61_706, 193_630])
        #expect(plot.isXLogarithmic && plot.isYLogarithmic)
        let times = untrained.plot(.time).points.map(\.x)
        #expect(times == untrained.entries.map { 1e3 * $0.forward.measuredSeconds / 4 })

        let trained = try comparison([run("lenet5", accuracy: 0.9)]).plot(.operations)
        #expect(trained.points.map(\.label) == ["lenet5"] && trained.points[0].y == 0.9)
        #expect(!trained.isYLogarithmic)
    }
}
