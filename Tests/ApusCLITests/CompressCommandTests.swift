import ApusCLI
import ApusModels
import ApusTraining
import Foundation
import TestSupport
import Testing

/// What is read of `--json`.
private struct Report: Decodable {
    struct Network: Decodable {
        let accuracy: Double?
        let parameters: Int
        let nonzeros: Int
        let multiplyAdds: Int
        let parameterBytes: Int
        let fileBytes: Int
        let imagesPerSecond: Double
    }
    struct Layer: Decodable {
        let layer: String
        let rank: Int
        let left: String?
    }
    struct Weights: Decodable {
        let layer: String
        let nonzeros: Int
        let values: Int?
        let bytes: Int
    }
    let model: String
    let data: String?
    let layers: [Layer]?
    let weights: [Weights]?
    let before: Network
    let after: Network
}

@Suite("apus compress")
struct CompressCommandTests {
    /// A run of LeNet-5 on generated images, and a place for what is made of it.
    private func withRun(_ body: (_ run: String, _ output: String, URL) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run").path
            #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
            try await body(run, directory.appending(path: "small.apus").path, directory)
        }
    }

    private func report(_ arguments: [String]) async throws -> Report {
        let outcome = await apus(["compress", "--json"] + arguments)
        #expect(outcome.status == .success, "\(outcome.errors)")
        return try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    }

    private func evaluate(_ file: String) async throws -> Double {
        let outcome = await apus("evaluate", "--json", "--checkpoint", file, "--data", "synthetic=300")
        return try JSONDecoder().decode(ClassificationReport.self, from: Data(outcome.output.utf8)).accuracy
    }

    @Test("Low rank: the report is of the file that is written, and other commands read it")
    func lowRank() async throws {
        try await withRun { run, output, directory in
            let report = try await report(["-c", run, "-o", output, "--energy", "0.6", "--rank", "fc3=4"])
            let checkpoint = try Checkpoint(contentsOf: URL(fileURLWithPath: output))
            #expect(checkpoint.modelName == report.model && report.data == "synthetic=300")
            let classifier = try checkpoint.classifier()
            #expect(report.after.parameters == classifier.network.parameterCount)
            #expect(report.after.multiplyAdds == classifier.network.multiplyAdds)
            #expect(report.after.parameters < report.before.parameters)
            #expect(report.before.parameters == 61_706 && report.before.multiplyAdds == 416_520)
            #expect(report.after.fileBytes == (try Data(contentsOf: URL(fileURLWithPath: output))).count)
            #expect(report.layers?.last?.rank == 4)
            let accuracy = try await evaluate(output)
            #expect(report.after.accuracy == accuracy)
            let ofRun = try await evaluate(run)
            #expect(report.before.accuracy == ofRun)
            #expect(report.before.imagesPerSecond > 0 && report.after.imagesPerSecond > 0)

            let exported = directory.appending(path: "small.safetensors").path
            #expect(await apus("export", "-c", output, "-o", exported).status == .success)
            let summary = await apus("summary", "--model", report.model, columns: 200)
            #expect(summary.output.contains("fc3.1") && summary.output.contains("fc3.0"))
        }
    }

    @Test("Fine-tuning takes the model from the file, keeps its layers, and goes on where it stopped")
    func fineTuning() async throws {
        try await withRun { run, output, directory in
            let small = try await report(["-c", run, "-o", output, "--rank", "fc1=7"])
            #expect(small.model == "lenet5+fc1=7")
            let tuned = directory.appending(path: "tuned")
            let train = await apus(
                ["train"] + quickRun + ["--weights", output, "--output", tuned.path, "--keep", "2"],
                columns: 150)
            #expect(train.status == .success, "\(train.errors)")
            #expect(train.output.contains("taken over too: the model lenet5+fc1=7, the image size 28x28"))
            let again = await apus(["train"] + quickRun + ["--weights", output, "--output", tuned.path])
            #expect(again.errors.contains("go on with it by --resume --output "), "\(again.errors)")
            let file = RunFolder(at: tuned).checkpoint
            #expect(try Checkpoint(contentsOf: file).modelName == "lenet5+fc1=7")

            // Back to the first epoch, without the file it started from.
            let whole = try Checkpoint(contentsOf: file).bits
            try Data(contentsOf: RunFolder(at: tuned).checkpoint(afterEpoch: 1)).write(to: file)
            try FileManager.default.removeItem(atPath: output)
            let resumed = await apus("train", "--resume", "--output", tuned.path)
            #expect(resumed.status == .success, "\(resumed.errors)")
            #expect(try Checkpoint(contentsOf: file).bits == whole)
        }
    }

    @Test("Pruned and shared: zeros and values outlast a fine-tuning, and the file is small")
    func sparse() async throws {
        try await withRun { run, output, directory in
            let report = try await report(
                ["-c", run, "-o", output, "--sparsity", "0.9", "--bits", "4", "--layers", "fc*"])
            #expect(report.weights?.map(\.layer) == ["fc1", "fc2", "fc3"])
            #expect(report.weights?.map(\.nonzeros) == [4800, 1008, 84])
            #expect(report.weights?.allSatisfy { ($0.values ?? 99) <= 16 } == true)
            #expect(report.after.fileBytes < report.before.fileBytes / 8)
            #expect(report.after.fileBytes == (try Data(contentsOf: URL(fileURLWithPath: output))).count)
            #expect(report.after.nonzeros == 61_706 - 9 * (4800 + 1008 + 84))

            let tuned = directory.appending(path: "tuned").path
            let train = await apus(
                ["train"] + quickRun + ["-w", output, "-o", tuned, "-l", "0.0001"], columns: 120)
            #expect(train.status == .success, "\(train.errors)")
            #expect(train.output.contains("zeros stay in: fc1.weight, fc2.weight, fc3.weight"))
            #expect(train.output.contains("shared weights stay shared in: fc1.weight"))
            let (before, after) = try (
                Checkpoint(contentsOf: URL(fileURLWithPath: output)).classifier(),
                Checkpoint(contentsOf: RunFolder(at: URL(fileURLWithPath: tuned)).checkpoint).classifier()
            )
            #expect(after.constraints == before.constraints)
            for (old, new) in zip(before.network.tensors, after.network.tensors)
            where old.name.hasSuffix("weight") {
                #expect(old.floats != new.floats)
                guard old.name.hasPrefix("fc") else { continue }
                #expect(zip(old.floats, new.floats).allSatisfy { ($0 == 0) == ($1 == 0) })
                #expect(Set(new.floats).count == Set(old.floats).count)
            }
        }
    }

    @Test("The table has a row for each layer, and what it cost before and after")
    func table() async throws {
        try await withRun { run, output, _ in
            let low = await apus("compress", "-c", run, "-o", output, "--energy", "0.8")
            #expect(low.output.contains("conv1     6x25"))
            let all = await apus("compress", "-c", run, "-o", output, "--energy", "1")
            #expect(all.output.contains("left: its factors cost no less"))
            #expect(low.output.contains("Accuracy on the 50 test images of synthetic=300"))
            for row in ["accuracy", "parameters", "MACs", "bytes of the file", "images/s"] {
                #expect(low.output.contains("\n\(row)"), "\(row)")
            }
            let global = await apus("compress", "-c", run, "-o", output, "--sparsity", "0.5", "--global")
            #expect(global.output.contains("fc1     48,000"))
            // A network without a run does not know its data.
            let bare = await apus("compress", "-c", output, "-o", output + "2", "--bits", "8")
            #expect(bare.status == .success)
            #expect(bare.output.contains("No accuracy") && !bare.output.contains("\naccuracy"))
        }
    }

    @Test("What is missing or contradicts itself is an error of usage")
    func usage() async throws {
        let lines: [([String], String)] = [
            ([], "--energy, --rank, --sparsity and --bits is required"),
            (["--energy", "0.9", "--bits", "4"], "does not go with"),
            (["--layers", "fc*", "--rank", "fc1=4"], "--layers does not go with --rank alone"),
            (["--global", "--bits", "4"], "--global does not go without --sparsity"),
            (["--energy", "1.5"], "between 0.01 and 1"), (["--bits", "9"], "between 1 and 8"),
            (["--sparsity", "1"], "less than 1"), (["--rank", "fc1"], "fc1=20,fc2=12"),
        ]
        for (line, words) in lines {
            let outcome = await apus(["compress", "-c", "net.apus", "-o", "small.apus"] + line)
            #expect(outcome.status == .usage, "\(line)")
            #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
        #expect(await apus("compress", "-c", "net.apus", "--bits", "4").status == .usage)
    }

    @Test("What cannot be compressed is an error, and writes nothing")
    func refusals() async throws {
        try await withRun { run, output, _ in
            let lines: [([String], String)] = [
                (["--energy", "0.9", "--layers", "fc9"], "no layer to compress is described by fc9"),
                (["--rank", "relu1=3"], "no layer relu1 that can be factored"),
                (["--rank", "fc3=11"], "expected at most 10: its weight is 10x84"),
            ]
            for (line, words) in lines {
                let outcome = await apus(["compress", "-c", run, "-o", output] + line)
                #expect(outcome.status == .failure && outcome.errors.contains(words), "\(outcome.errors)")
            }
            #expect(!FileManager.default.fileExists(atPath: output))
            let file = RunFolder(at: URL(fileURLWithPath: run)).checkpoint.path
            let itself = await apus("compress", "-c", run, "-o", file, "--bits", "4")
            #expect(itself.status == .failure && itself.errors.contains("is read and was to be written"))
            // Before the images are looked for.
            let nowhere = await apus(
                "compress", "-c", run, "-o", run + "/none/net.apus", "--bits", "4", "-d", "folder=/nowhere")
            #expect(nowhere.status == .failure && nowhere.errors.contains("none/net.apus"))
            let model = await apus("train", "--model", "lenet5+fc9=3")
            #expect(model.status == .usage && model.errors.contains("lenet5+fc1=20"))
        }
    }
}
