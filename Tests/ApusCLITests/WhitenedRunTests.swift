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

    @Test(
        "What starts from whitened images goes on with them: compressed, trained further, and with a new head"
    )
    func start() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            #expect(await train(["--whiten", "zca:images=200", "--quiet"], in: run).status == .success)
            let learned = try Checkpoint(contentsOf: RunFolder(at: run).checkpoint).preprocessing()
            #expect(learned.whitening != nil)
            let small = directory.appending(path: "small.apus").path
            #expect(
                await apus("compress", "-c", run.path, "--rank", "fc1=7", "-o", small).status == .success)

            // Other images have other means, which the network has not learned with.
            let line = ["train", "-w", small, "-d", "synthetic=120", "--epochs", "2", "--threads", "1"]
            let folder = directory.appending(path: "tuned")
            let tuned = await apus(line + ["--keep", "2", "-o", folder.path], columns: 150)
            #expect(tuned.status == .success, "\(tuned.errors)")
            #expect(
                tuned.output.contains(
                    "taken over too: the model lenet5+fc1=7, the image size 28x28, the normalisation, "
                        + "the whitening zca"))
            let file = RunFolder(at: folder).checkpoint
            let whole = try Checkpoint(contentsOf: file)
            #expect(try whole.preprocessing() == learned && whole.settings?["whiten"] == nil)

            // Back to the first epoch, without the file it started from.
            try Data(contentsOf: RunFolder(at: folder).checkpoint(afterEpoch: 1)).write(to: file)
            let again = await apus(line + ["--whiten", "zca", "-o", run.path + "2"])
            try FileManager.default.removeItem(atPath: small)
            #expect(await apus("train", "--resume", "-o", folder.path).status == .success)
            #expect(try Checkpoint(contentsOf: file).bits == whole.bits)
            #expect(try Checkpoint(contentsOf: file).preprocessing() == learned)
            #expect(again.status == .usage && again.errors.contains("--whiten does not go with"))

            let head = directory.appending(path: "head.apus")
            let fitted = await apus("fit-head", "-w", run.path, "-o", head.path, columns: 150)
            #expect(fitted.status == .success, "\(fitted.errors)")
            #expect(fitted.output.contains("taken over too: the model lenet5, the data synthetic=300"))
            #expect(try Checkpoint(contentsOf: head).preprocessing() == learned)
        }
    }

    @Test("What a whitening was fitted to cannot be changed under it, and of another model it is not taken")
    func contradictions() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run").path
            let whitened = ["--whiten", "pca:images=50", "--quiet", "--epochs", "1"]
            let data = ["--data", "synthetic=60", "--threads", "1"]
            #expect(await apus(["train"] + data + whitened + ["-o", run]).status == .success)
            for options in [["--mean", "0.5", "--deviation", "0.5"], ["--image-size", "32"]] {
                for command in [["train"] + data, ["fit-head"]] {
                    let outcome = await apus(command + ["-w", run] + options + ["-o", run + "2"])
                    #expect(outcome.status == .usage)
                    #expect(outcome.errors.contains("\(options[0]) does not go with"), "\(outcome.errors)")
                }
            }
            let same = await apus(
                ["train", "--epochs", "1", "--image-size", "28"] + data + ["-w", run, "-o", run + "2"])
            #expect(same.status == .success, "\(same.errors)")
            let other = await apus(
                ["train", "--epochs", "1", "-m", "lenet5-1998"] + data + ["-w", run, "-o", run + "3"])
            #expect(other.status == .success, "\(other.errors)")
            let words = other.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("not taken over, since it is of another model: the whitening"))
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
            // A sum in double precision, and in single precision from eight places on.
            let exact = (0..<784).map { row in
                Float((0..<784).reduce(0.0) { $0 + Double(matrix[row * 784 + $1]) * Double(centered[$1]) })
            }
            let rounded = (0..<8).map { turn in
                (0..<784).map { row in
                    (0..<784).reduce(Float(0)) { sum, index in
                        let place = (index + 98 * turn) % 784
                        return sum + matrix[row * 784 + place] * centered[place]
                    }
                }
            }
            let inputs = [exact] + rounded
            let batch = try directory.write(
                [FileTensor(name: "input", shape: [9, 1, 28, 28], floats: inputs.flatMap(\.self))],
                to: "in.safetensors")
            let output = directory.appending(path: "out.safetensors").path
            #expect(
                await apus("run", "-m", "lenet5", "-w", file, "-i", batch, "-o", output).status == .success)
            let logits = try directory.tensors("out.safetensors").floats("logits")
            let found = (0..<9).map { image in
                let powers = logits[image * 10..<(image + 1) * 10].map { exp(Double($0)) }
                return powers.map { $0 / powers.reduce(0, +) }
            }
            let expected = try classifier.predict(image).probabilities.map { Double($0) }
            // What the order of adding does to probabilities is measured; that of the kernels is one more.
            let spread = found.flatMap { zip($0, found[0]).map { abs($0 - $1) } }.max() ?? 0
            expectClose(expected, found[0], absolute: 4 * spread + 0x1p-22)
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
