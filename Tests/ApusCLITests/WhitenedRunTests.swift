import ApusCLI
import ApusData
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train --whiten")
struct WhitenedRunTests {
    private func train(_ arguments: [String], in folder: URL) async -> Outcome {
        await apus(["train"] + quickRun + arguments + ["--output", folder.path])
    }

    @Test("A run says what was fitted, is taken up with the same, and tested and predicted with it")
    func run() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            let outcome = await train(["--whiten", "zca:images=200"], in: run)
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(outcome.output.contains("whitening  zca, epsilon 0.1, fitted to 200 images"))
            #expect(outcome.output.contains("without variance, left near 0"))

            let checkpoint = try Checkpoint(contentsOf: RunFolder(at: run).checkpoint)
            #expect(checkpoint.settings?["whiten"] == "zca:epsilon=0.1,images=200")
            #expect(try checkpoint.classifier().preprocessing.whitening?.summary.images == 200)
            let page = try String(contentsOf: RunFolder(at: run).report, encoding: .utf8)
            #expect(page.contains("zca, epsilon 0.1, fitted to 200 images"))

            #expect(
                await train(["--resume", "--whiten", "zca:images=200,epsilon=0.1"], in: run).status
                    == .success)
            let other = await train(["--resume", "--whiten", "pca"], in: run)
            #expect(other.status == .usage)
            #expect(other.errors.contains("--whiten pca:epsilon=0.1,images=60000 contradicts"))

            let report = await apus("evaluate", "--checkpoint", run.path, "--json")
            let metrics = try Data(contentsOf: RunFolder(at: run).metrics)
            #expect(
                try JSONDecoder().decode(ClassificationReport.self, from: Data(report.output.utf8))
                    == JSONDecoder().decode(ClassificationReport.self, from: metrics))
        }
    }

    @Test("What was exported whitens an image so that apus run gives what apus predict says")
    func export() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            #expect(await train(["--whiten", "zca", "--quiet"], in: run).status == .success)
            let file = directory.appending(path: "net.safetensors").path
            #expect(await apus("export", "-c", run.path, "-o", file).status == .success)
            let card = try #require(ModelCard(in: directory.tensors("net.safetensors")))
            let name = try #require(card.preprocessing.whitening?.file)
            let numbers = try directory.tensors(name)
            let (mean, matrix) = (numbers.floats("mean"), numbers.floats("matrix"))

            let classifier = try Classifier.load(from: RunFolder(at: run).checkpoint)
            let image = try DatasetSpecification(parsing: "synthetic=300").load().test.image(0)
            let table = classifier.normalization.table(channel: 0)
            let centered = zip(image.samples, mean).map { table[Int($0)] - $1 }
            let input = (0..<784).map { row in
                (0..<784).reduce(Float(0)) { $0 + matrix[row * 784 + $1] * centered[$1] }
            }
            let batch = try directory.write(
                [FileTensor(name: "input", shape: [1, 1, 28, 28], floats: input)], to: "in.safetensors")
            let output = directory.appending(path: "out.safetensors").path
            #expect(
                await apus("run", "-m", "lenet5", "-w", file, "-i", batch, "-o", output).status == .success)
            let logits = try directory.tensors("out.safetensors").floats("logits").map { exp(Double($0)) }
            let sum = logits.reduce(0, +)
            let expected = try classifier.predict(image).probabilities
            // Inputs of sums of 784 products, in another order than here.
            expectClose(logits.map { Float($0 / sum) }, expected, absolute: 1e-4)
            #expect(card.pytorch?.count == 5 && card.pytorch?[3].contains("net.whitening") == true)
        }
    }

    @Test("What cannot be whitened is refused before a folder is made")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            let misspelt = await train(["--whiten", "zcaa"], in: run)
            #expect(misspelt.status == .usage && misspelt.errors.contains("did you mean 'zca'?"))
            let flat = await train(["--whiten", "zca:epsilon=0,images=50"], in: run)
            #expect(
                flat.status == .failure
                    && flat.errors.contains("expected some in each, or an epsilon above 0"))
            let large = await train(
                ["--whiten", "zca", "--model", "squeezenet1_1", "--image-size", "64"], in: run)
            #expect(large.status == .failure && large.errors.contains("expected at most 4096"))
            #expect(!FileManager.default.fileExists(atPath: run.path))
        }
    }
}
