import ApusCLI
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train, from weights")
struct TransferTests {
    private func train(_ arguments: [String], in folder: URL) async -> Outcome {
        await apus(["train"] + quickRun + arguments + ["--output", folder.path])
    }

    private func bits(_ folder: URL) throws -> [String: [UInt32]] {
        try Checkpoint(contentsOf: RunFolder(at: folder).checkpoint).bits
    }

    /// Weights of LeNet-5 for so many classes, in a file.
    private func weights(classes: Int, in folder: URL) throws -> (file: URL, network: Network) {
        let network = try Network(LeNet5(classes: classes), seed: 77)
        let file = folder.appending(path: "lenet5.safetensors")
        try Safetensors.write(TensorFile(network.tensors), to: file)
        return (file, network)
    }

    @Test(
        "Weights that fit are taken over, others named with the reason; what is frozen does not move by a bit",
        arguments: ["sgd", "adam"])
    func transfer(optimizer: String) async throws {
        try await withTemporaryDirectory { directory in
            let (file, network) = try weights(classes: 7, in: directory)
            let folder = directory.appending(path: "run")
            let outcome = await train(
                ["--weights", file.path, "--freeze", "conv*,fc1.*", "--optimizer", optimizer], in: folder)
            #expect(outcome.status == .success, "\(outcome.errors)")
            let words = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("lenet5.safetensors: sets 8 of 10 parameters"))
            #expect(
                words.contains(
                    "left out: fc3.weight (found the shape [7, 84], expected [10, 84]), "
                        + "fc3.bias (found the shape [7], expected [10])"))
            // All but 61,706: those of fc2 and fc3.
            #expect(words.contains("conv*,fc1.*: 11,014 parameters are left to train"))

            let trained = try bits(folder)
            for parameter in network.parameters where !parameter.name.hasPrefix("fc3") {
                let isKept = !parameter.name.hasPrefix("fc2")
                let start = network.values(of: parameter).map(\.bitPattern)
                #expect((trained[parameter.name] == start) == isKept, "\(parameter.name)")
                #expect(trained.keys.contains("optimizer.0.\(parameter.name)") != isKept)
            }
        }
    }

    @Test("A run goes on with what it has frozen, and needs its weights no more")
    func resume() async throws {
        try await withTemporaryDirectory { directory in
            let (file, _) = try weights(classes: 10, in: directory)
            let folder = directory.appending(path: "run")
            let options = ["--weights", file.path, "--freeze=conv*"]
            #expect(await train(options, in: folder).status == .success)
            let settings = try #require(
                try Checkpoint(contentsOf: RunFolder(at: folder).checkpoint).settings)
            #expect(settings["freeze"] == "conv*" && settings["weights"] == file.path)

            try FileManager.default.removeItem(at: file)
            let resumed = await apus("train", "--resume", "--output", folder.path)
            #expect(resumed.status == .success, "\(resumed.errors)")
            let other = await apus("train", "--resume", "--freeze=fc1.*", "--output", folder.path)
            #expect(other.status == .usage)
            #expect(other.errors.contains("--freeze fc1.* contradicts"))
        }
    }

    @Test("A run of ours may be started from: its parameters are taken over, not its optimiser's state")
    func fromRun() async throws {
        try await withTemporaryDirectory { directory in
            let (first, second) = (directory.appending(path: "1"), directory.appending(path: "2"))
            #expect(await train([], in: first).status == .success)
            let outcome = await train(["--weights", first.path, "--learning-rate=0"], in: second)
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(outcome.output.contains("sets 10 of 10 parameters\n"))
            let (before, after) = (try bits(first), try bits(second))
            for name in before.keys where !name.hasPrefix("optimizer") {
                #expect(before[name] == after[name], "\(name)")
            }
        }
    }

    @Test(
        "Of a run of the same model the data and what becomes of images are taken over, unless options say otherwise"
    )
    func preprocessing() async throws {
        try await withTemporaryDirectory { directory in
            let first = directory.appending(path: "1")
            let model = ["--model=squeezenet1_1", "--epochs=1", "--batch-size=10", "--threads=1"]
            let trained = await apus(
                ["train", "--data=synthetic=20", "--image-size=32x30"] + model + ["-o", first.path])
            #expect(trained.status == .success, "\(trained.errors)")
            let learned = try Checkpoint(contentsOf: RunFolder(at: first).checkpoint).preprocessing()
            func start(_ options: [String], _ name: String) async throws -> Checkpoint {
                let folder = directory.appending(path: name)
                let outcome = await apus(["train", "-w", first.path] + options + ["-o", folder.path])
                #expect(outcome.status == .success, "\(outcome.errors)")
                return try Checkpoint(contentsOf: RunFolder(at: folder).checkpoint)
            }
            // The model is named or not: a command line of a report names it.
            let same = try await start(model, "2")
            #expect(same.settings?["data"] == "synthetic=20")
            #expect(try same.preprocessing() == learned)
            // Other images, of another mean.
            let others = try await start(Array(model.dropFirst()) + ["--data=synthetic=10"], "3")
            #expect(others.modelName == "squeezenet1_1")
            #expect(try others.preprocessing() == learned)
            let changed = try await start(
                model + ["--image-size=32", "--mean=0.5", "--deviation=0.25"], "4")
            let preprocessing = try changed.preprocessing()
            #expect(preprocessing.input == Shape(height: 32, width: 32, channels: 3))
            #expect(preprocessing.normalization.mean == [0.5, 0.5, 0.5])

            let head = directory.appending(path: "head.apus")
            let fitted = await apus("fit-head", "-w", first.path, "--ridge", "10", "-o", head.path)
            #expect(fitted.status == .success, "\(fitted.errors)")
            #expect(try Checkpoint(contentsOf: head).preprocessing() == learned)
        }
    }

    @Test("What is frozen without having been loaded is told of")
    func random() async throws {
        try await withTemporaryDirectory { directory in
            let (file, network) = try weights(classes: 10, in: directory)
            let tensors = network.tensors.filter { $0.name != "conv1.bias" }
            try Safetensors.write(
                TensorFile(tensors + [tensors[0].named("other")]), to: file)
            let outcome = await train(
                ["--weights", file.path, "--freeze=conv1.*"], in: directory.appending(path: "run"))
            #expect(outcome.status == .success, "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(lines.contains("not in the file: conv1.bias"))
            #expect(lines.contains("frozen, and yet random: conv1.bias"))
            #expect(lines.contains("left out, since no parameter has the name: other"))
        }
    }

    @Test("Patterns that describe nothing, or everything, and weights that fit nowhere are refused")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let (file, network) = try weights(classes: 10, in: directory)
            try Safetensors.write(TensorFile([network.tensors[0].named("w")]), to: file)
            let names = network.parameters.map(\.name).joined(separator: ", ")
            for (options, message) in [
                (
                    ["--freeze=feature.*"],
                    "lenet5: no parameter to freeze is described by feature.*: there are \(names)\n"
                ),
                (["--freeze=conv*,fc*"], "lenet5: nothing to train: all 10 parameters are frozen\n"),
                (
                    ["--weights", file.path],
                    "found no tensor that fits (w: no parameter of that name), "
                        + "expected at least one of the name and shape of a parameter\n"
                ),
            ] {
                let outcome = await train(options, in: directory.appending(path: "run"))
                #expect(outcome.status == .failure)
                #expect(outcome.errors.hasPrefix("apus: error: ") && outcome.errors.hasSuffix(message))
            }
            let none = await train(["--weights=/nowhere"], in: directory.appending(path: "run"))
            #expect(none.status == .failure && none.errors.contains("/nowhere"))
        }
    }
}
