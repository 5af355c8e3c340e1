import ApusAnalysis
import ApusCLI
import ApusKernels
import Foundation
import Testing

@Suite("apus profile")
struct ProfileCommandTests {
    private func report(_ arguments: String...) async throws -> ProfileReport {
        let outcome = await apus(["profile", "--json", "--steps", "3"] + arguments)
        #expect(outcome.status == .success, "\(outcome.errors)")
        return try JSONDecoder().decode(ProfileReport.self, from: Data(outcome.output.utf8))
    }

    @Test("The layers and the other parts add up to the step", arguments: [1, 2])
    func sums(threads: Int) async throws {
        let report = try await report("--threads", "\(threads)", "--batch-size", "32", "--backend", "vector")
        #expect(report.step.count == 3 && report.step.threads == threads)
        #expect(report.batchSize == 32 && report.isTraining)
        let layers = report.layers.reduce(0) { $0 + $1.forward.seconds + ($1.backward?.seconds ?? 0) }
        let parts = report.parts.reduce(0) { $0 + $1.seconds }
        expectSame(layers + parts, report.step.seconds)
        let shares =
            report.layers.reduce(0) { $0 + $1.forward.share + ($1.backward?.share ?? 0) }
            + report.parts.reduce(0) { $0 + $1.share }
        expectSame(shares, 1)
        #expect(
            report.parts.map(\.name) == [
                "loading images", "loss", "clearing, dealing", "gradient sums", "update",
                "preparing weights", "waiting",
            ])
        #expect(report.parts.allSatisfy { $0.seconds > 0 })
    }

    /// Times are kept in whole nanoseconds, and a step has a few dozen of them.
    private func expectSame(_ found: Double, _ expected: Double) {
        #expect(abs(found - expected) <= 1e-9 * expected)
    }

    @Test("A layer's rates follow from its operations, its time and the roof")
    func rates() async throws {
        let report = try await report("--threads", "1", "--batch-size", "16", "--backend", "gemm")
        #expect(report.backend == .gemm && report.layout == .channelsFirst)
        #expect(
            report.layers.map(\.path) == [
                "", "conv1", "pool1", "conv2", "pool2", "fc1", "relu3", "fc2", "relu4", "fc3",
            ])
        let conv1 = report.layers[1]
        #expect(conv1.kind == "Conv2D" && conv1.fused == ["ReLU"])
        #expect(conv1.algorithm == ConvolutionAlgorithm.gemm.rawValue)
        // The first layer's input has no gradient.
        #expect(conv1.forward.operations == 2 * 117_600 * 16)
        #expect(conv1.backward?.operations == 2 * 117_600 * 16)
        #expect(conv1.forward.bytes == 4 * (16 * (784 + 4704) + 156))
        // The gradient of the output, the output, whose sign is the ReLU's slope, and the input.
        #expect(conv1.backward?.bytes == 4 * (16 * (2 * 4704 + 784) + 156))
        let conv2 = try #require(report.layers[3].backward)
        #expect(conv2.operations == 2 * 2 * 240_000 * 16)
        // Input and output, their gradients, the parameters and theirs.
        #expect(conv2.bytes == 4 * (16 * (2 * 1600 + 2 * 1176) + 2 * 2416))

        let pool = report.layers[2].forward
        #expect(pool.operations == 0 && pool.gigaflops == nil && pool.roofShare == nil)
        for pass in report.layers.flatMap({ [$0.forward, $0.backward].compactMap(\.self) }) {
            guard pass.operations > 0 else { continue }
            let rate = Double(pass.operations) / pass.seconds / 1e9
            expectSame(try #require(pass.gigaflops), rate)
            expectSame(try #require(pass.roofShare), rate / report.roof.gigaflops)
        }
    }

    @Test("Inference has no backward, no loss and no update")
    func inference() async throws {
        let report = try await report("--inference", "--threads", "1")
        #expect(!report.isTraining)
        #expect(report.layers.allSatisfy { $0.backward == nil && $0.forward.seconds > 0 })
        #expect(report.parts.map(\.name) == ["loading images", "clearing, dealing", "waiting"])
    }

    /// The numbers of a row's last two columns.
    private func figures(_ row: Substring) -> (milliseconds: Double, percent: Double)? {
        let words = row.split(separator: " ")
        guard words.count >= 4, words.last == "%", let time = Double(words[words.count - 3]),
            let share = Double(words[words.count - 2])
        else { return nil }
        return (time, share)
    }

    @Test("The tables fit into 100 columns, and the step's parts add up in print")
    func table() async throws {
        for model in ["lenet5", "squeezenet1_1"] {
            let outcome = await apus(
                "profile", "--model", model, "--input", model == "lenet5" ? "28x28x1" : "48x48x3", "--steps",
                "3", "--batch-size", "4", "--backend", "vector", columns: 100)
            #expect(outcome.status == .success)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 100 })
            #expect(outcome.output.contains(": the layer computes what comes after it"))
            let start = try #require(lines.firstIndex { $0.hasPrefix("step ") })
            let rows = lines[start...].prefix { !$0.hasPrefix("Times are") }.compactMap(figures)
            let all = try #require(rows.last)
            #expect(rows.count == 10 && all.percent == 100)
            // Each is rounded in its last digit, at worst a tenth of a millisecond for the longest step here.
            let parts = rows.dropLast()
            #expect(abs(parts.reduce(0) { $0 + $1.percent } - 100) <= 0.05 * Double(rows.count))
            let digit = all.milliseconds < 10 ? 1e-3 : all.milliseconds < 100 ? 1e-2 : 1e-1
            #expect(
                abs(parts.reduce(0) { $0 + $1.milliseconds } - all.milliseconds)
                    <= digit / 2 * Double(rows.count) * (1 + 1e-6))
        }
    }

    @Test("With --roofline the layers stand with what they cost, the least time and the measured one")
    func roofline() async throws {
        for model in ["lenet5", "squeezenet1_1"] {
            let outcome = await apus(
                "profile", "--roofline", "--model", model, "--input",
                model == "lenet5" ? "28x28x1" : "48x48x3",
                "--steps", "3", "--batch-size", "4", "--backend", "vector", columns: 100)
            #expect(outcome.status == .success)
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 100 })
            let title = try #require(lines.first { $0.hasPrefix("layer ") })
            #expect(title.contains("parameters") && title.contains("MACs") && title.contains("FLOP/B"))
            let all = try #require(lines.first { $0.hasPrefix("all layers ") })
            #expect(all.contains(model == "lenet5" ? "61,706" : "1,235,496"))
            // What moves much for few operations, a pool or a small layer.
            #expect(lines.contains { $0.contains("*") })
            #expect(outcome.output.contains("roofline model"))
        }
    }

    @Test("A row has room for passes of a second and for a thousand percents")
    func slowLayers() async throws {
        var report = try await report(
            "--model", "squeezenet1_1", "--input", "48x48x3", "--batch-size", "4", "--backend", "vector")
        for layer in report.layers.indices {
            var pass = report.layers[layer].forward
            (pass.leastSeconds, pass.seconds, pass.limit, pass.roofShare) = (9.99, 0.999, .memory, 10)
            (report.layers[layer].forward, report.layers[layer].backward) = (pass, pass)
        }
        let lines = report.text(columns: 100, showsRoofline: true).split(separator: "\n")
        let row = try #require(lines.first { $0.hasPrefix("features.0 ") })
        #expect(row.split(separator: " ").suffix(3).elementsEqual(["9990*", "999.0", "1000"]))
        let plain = report.text(columns: 100, showsRoofline: false).split(separator: "\n")
        #expect(
            plain.contains { $0.hasPrefix("features.0 ") && $0.contains(" 999.0 ") && $0.contains(" 1000 ") })
        #expect((lines + plain).allSatisfy { $0.count <= 100 })
    }

    @Test("What cannot be built or measured is refused")
    func refusals() async {
        let small = await apus("profile", "--input", "8x8x1")
        #expect(small.status == .failure && small.errors.contains("layer conv2"))
        #expect(await apus("profile", "--steps", "0").status == .usage)
        #expect(await apus("profile", "--backend", "gpu").status == .usage)
    }
}
