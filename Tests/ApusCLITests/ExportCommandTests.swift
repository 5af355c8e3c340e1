import ApusCLI
import ApusFormats
import ApusModels
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus export")
struct ExportCommandTests {
    @Test("The parameters are the run's, and the card says what it takes to use them")
    func export() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            #expect(await apus(["train"] + quickRun + ["--output", run.path]).status == .success)
            let file = directory.appending(path: "net.safetensors")
            let outcome = await apus("export", "--checkpoint", run.path, "--output", file.path)
            #expect(outcome.status == .success && outcome.errors.isEmpty)
            #expect(outcome.output.contains("net.safetensors; its card in "))

            let checkpoint = try Checkpoint(contentsOf: RunFolder(at: run).checkpoint)
            let classifier = try checkpoint.classifier()
            let written = try TensorFile(contentsOf: file)
            #expect(Set(written.tensors.map(\.name)) == Set(classifier.network.tensors.map(\.name)))
            for tensor in classifier.network.tensors { #expect(written[tensor.name] == tensor) }
            #expect(written.metadata["format"] == "pt")

            let card = try #require(ModelCard(in: written))
            let side = try Data(contentsOf: directory.appending(path: "net.json"))
            #expect(try JSONDecoder().decode(ModelCard.self, from: side) == card)
            #expect(card.model == "lenet5" && card.parameters == 61_706 && card.multiplyAdds == 416_520)
            #expect(card.classes == classifier.classNames)
            #expect(card.preprocessing.mean == classifier.normalization.mean)
            let last = try #require(checkpoint.history.last)
            #expect(card.metrics?.epoch == last.epoch && card.metrics?.testAccuracy == last.testAccuracy)
            #expect(card.metrics?.data == "synthetic=300")
            #expect(card.pytorch?.count == 3 && card.pytorch?[2].contains("net.safetensors") == true)
        }
    }

    @Test("Training starts from what was exported, and it runs on a batch")
    func readBack() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            #expect(await apus(["train"] + quickRun + ["--output", run.path]).status == .success)
            let file = directory.appending(path: "net.safetensors").path
            #expect(await apus("export", "-c", run.path, "-o", file).status == .success)
            let again = await apus(
                ["train"] + quickRun + ["--weights", file, "--output", directory.appending(path: "2").path])
            #expect(again.output.contains("sets 10 of 10 parameters"))
            let batch = FormulaBatch(count: 4, shape: LeNet5.input)
            let input = try directory.write(batch.tensors, to: "in.safetensors")
            let output = directory.appending(path: "out.safetensors").path
            for weights in [file, run.path] {
                #expect(
                    await apus("run", "-m", "lenet5", "-w", weights, "-i", input, "-o", output).status
                        == .success)
            }
        }
    }

    @Test("Another format, or the checkpoint itself, is refused")
    func refusals() async throws {
        let folder = try TemporaryFolder()
        let run = folder.url.appending(path: "run")
        let training = await apus(
            "train", "--quiet", "--data", "synthetic=60", "--epochs", "1", "--output", run.path)
        #expect(training.status == .success, "\(training.errors)")
        // The card would replace the run's metrics; the tensors the checkpoint.
        let checkpoint = run.appending(path: "same.safetensors")
        try FileManager.default.copyItem(at: run.appending(path: "checkpoint.apus"), to: checkpoint)
        let metrics = try Data(contentsOf: run.appending(path: "metrics.json"))
        for (input, output) in [(run.path, "metrics.safetensors"), (checkpoint.path, "same.safetensors")] {
            let outcome = await apus("export", "-c", input, "-o", run.appending(path: output).path)
            #expect(outcome.status == .failure && !outcome.errors.isEmpty)
        }
        #expect(try Data(contentsOf: run.appending(path: "metrics.json")) == metrics)
        #expect(
            try Data(contentsOf: checkpoint)
                == Data(contentsOf: run.appending(path: "checkpoint.apus")))
        let other = await apus("export", "-c", "run", "-o", "net.npz")
        #expect(other.status == .usage && other.errors.contains("must be a file .safetensors"))
        #expect(await apus("export", "-c", "nowhere").status == .failure)
    }

    @Test("A line of PyTorch is known of the networks that it makes")
    func expressions() {
        let known = ModelCatalog.variantNames.filter {
            ModelCatalog.model(named: $0)?.pyTorchExpression != nil
        }
        #expect(known == ["lenet5", "lenet5-keras", "squeezenet1_0", "squeezenet1_1"])
        #expect(
            SqueezeNet1_1(classes: 7).pyTorchExpression == "torchvision.models.squeezenet1_1(num_classes=7)")
    }
}
