import ApusCLI
import ApusKernels
import ApusModels
import ApusNN
import Foundation
import Testing

@Suite("apus summary")
struct SummaryCommandTests {
    @Test(
        "A network's parameters and multiply-adds are those of its paper",
        arguments: [
            ("lenet5", 61_706, 416_520), ("lenet5-1998", 61_706, 416_520),
            ("lenet5-keras", 193_630, 2_993_000), ("squeezenet1_0", 1_248_424, 818_924_576),
            ("squeezenet1_0-simple-bypass", 1_248_424, 818_924_576),
        ])
    func totals(model: String, parameters: Int, multiplyAdds: Int) async throws {
        let outcome = await apus("summary", "--model", model, "--json")
        #expect(outcome.status == .success)
        let summary = try JSONDecoder().decode(NetworkSummary.self, from: Data(outcome.output.utf8))
        #expect(summary.parameters == parameters)
        #expect(summary.multiplyAdds == multiplyAdds)
        #expect(summary.layers.reduce(0) { $0 + $1.parameters } == parameters)
        #expect(summary.layers.reduce(0) { $0 + $1.multiplyAdds } == multiplyAdds)
        #expect(summary.layers.reduce(0) { $0 + $1.activationBytes } == summary.shardActivationBytes)
        #expect(summary.layers.reduce(0) { $0 + $1.scratchBytes } >= summary.shardScratchBytes)
    }

    @Test("The rows are the layers from the root down")
    func rows() throws {
        let summary = try Network(LeNet5()).summary(batchSize: 64, threads: 1)
        #expect(summary.layers[0].isContainer)
        #expect(
            summary.layers.dropFirst().map(\.path) == [
                "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "flatten", "fc1", "relu3", "fc2",
                "relu4",
                "fc3",
            ])
        #expect(summary.layers[1].kind == "Conv2D")
        #expect(summary.layers[1].output == [28, 28, 6])
        #expect(summary.layers[1].parameters == 156)
        #expect(summary.layers[1].multiplyAdds == 117_600)
        // Its pool's map, or its own where the pool is a layer apart.
        #expect(summary.layers[1].activationBytes >= 4 * summary.shardSize * 14 * 14 * 6)
        #expect(summary.layers[2].activationBytes == 0, "it lies over the convolution's output")
        #expect(summary.layers[8].output == [120])
    }

    @Test("The memory is what an executor takes", arguments: [1, 5, 64, 300], [1, 3])
    func memory(batchSize: Int, threads: Int) throws {
        let network = try Network(LeNet5())
        let executor = try Executor(network, batchSize: batchSize, workers: Workers(count: threads))
        #expect(try network.summary(batchSize: batchSize, threads: threads).memory == executor.memory)
    }

    @Test("What a container holds without a name counts for it")
    func unnamedLayers() throws {
        let network = try Network(
            Sequential { Residual(Conv2D(3, 3, kernel: 1)).named("residual") },
            input: Shape(height: 8, width: 8, channels: 3))
        let summary = try network.summary(batchSize: 1)
        #expect(summary.layers.map(\.path) == ["", "residual"])
        #expect(summary.layers[1].parameters == 12)
        #expect(summary.layers[1].multiplyAdds == 8 * 8 * 9)
    }

    @Test("Containers inside are rows of their own, and nothing is counted twice")
    func containers() throws {
        let network = try Network(
            Sequential {
                Conv2D(1, 4, kernel: 3, padding: 1).named("stem")
                Residual {
                    Conv2D(4, 4, kernel: 3, padding: 1).named("a")
                    ReLU().named("relu")
                    Conv2D(4, 4, kernel: 3, padding: 1).named("b")
                }.named("block")
                Flatten().named("flatten")
                Linear(4 * 36, 3).named("output")
            }, input: Shape(height: 6, width: 6, channels: 1))
        let summary = try network.summary(batchSize: 8, threads: 1)
        #expect(
            summary.layers.map(\.path) == [
                "", "stem", "block", "block.a", "block.relu", "block.b", "flatten", "output",
            ])
        #expect(summary.layers.filter(\.isContainer).map(\.path) == ["", "block"])
        #expect(summary.layers.reduce(0) { $0 + $1.multiplyAdds } == network.multiplyAdds)
        #expect(summary.layers.reduce(0) { $0 + $1.activationBytes } == summary.shardActivationBytes)
        let memory = try Executor(network, batchSize: 8, workers: Workers(count: 1)).memory
        #expect(summary.memory == memory)
        #expect(throws: PlanningError.self) { try network.summary(batchSize: 0) }
    }

    @Test(
        "The table holds the totals, and fits into 80 columns",
        arguments: ["lenet5", "lenet5-1998", "lenet5-keras"])
    func table(model: String) async {
        let outcome = await apus("summary", "--model", model, "--threads", "2")
        #expect(outcome.status == .success)
        #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
        if model == "lenet5" {
            #expect(outcome.output.contains("61,706  416,520"))
            #expect(outcome.output.contains("64 images with 2 threads"))
        }
    }

    @Test("The plan holds each layer that is run with its algorithm, and fits into 100 columns")
    func plan() async throws {
        for model in ["lenet5", "squeezenet1_1", "squeezenet1_0-complex-bypass"] {
            let outcome = await apus("summary", "--model", model, "--plan", "--backend", "gemm")
            #expect(outcome.status == .success)
            #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
        }
        let outcome = await apus("summary", "--plan", "--backend", "gemm", "--threads", "2")
        let lines = outcome.output.split(separator: "\n")
        let rows = lines.filter { $0.hasPrefix("conv1 ") || $0.hasPrefix("relu1 ") }
        #expect(rows.count == 1)
        #expect(rows.first?.contains("im2col + sgemm, ReLU  own") == true)
        #expect(outcome.output.contains("backend  gemm"))
        #expect(
            outcome.output.contains("64 images in 4 shards of 16 at most, dealt to 4 lanes for 2 threads"))
    }

    @Test("The plan is in the JSON")
    func planJSON() async throws {
        let outcome = await apus("summary", "--json", "--backend", "gemm", "--batch-size", "5")
        let summary = try JSONDecoder().decode(NetworkSummary.self, from: Data(outcome.output.utf8))
        #expect(summary.backend == .gemm)
        #expect(summary.layout == .channelsFirst)
        #expect(summary.lanes == 1)
        func layer(_ path: String) throws -> LayerSummary {
            try #require(summary.layers.first { $0.path == path })
        }
        #expect(try layer("conv1").algorithm == ConvolutionAlgorithm.gemm.rawValue)
        #expect(try layer("conv1").placement == .own)
        #expect(try layer("relu1").placement == .fused)
        #expect(try layer("flatten").placement == .view)
        #expect(try layer("fc1").algorithm == nil)
        #expect(try layer("relu3").placement == .inPlace)
    }

    @Test("A network that cannot be built is refused by its layer")
    func tooSmall() async {
        let outcome = await apus("summary", "--input", "8x8x1")
        #expect(outcome.status == .failure)
        #expect(outcome.errors.contains("layer conv2") && outcome.errors.contains("4x4"))
        #expect(await apus("summary", "--input", "28x28").status == .usage)
        #expect(await apus("summary", "--input", "0x28x1").status == .usage)
        #expect(await apus("summary", "--batch-size", "0").status == .usage)
    }

    @Test("More classes make a wider last layer")
    func classes() async throws {
        let outcome = await apus("summary", "--classes", "62", "--json")
        #expect(try outcome.json()["parameters"] as? Int == 61_706 + 52 * 85)
    }
}
