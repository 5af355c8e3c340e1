import ApusCLI
import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus inspect")
struct InspectCommandTests {
    private static let tensors = [
        FileTensor(name: "weight", shape: [2, 3, 1, 1], floats: [1, 2, 3, 4, 5, 6]),
        FileTensor(name: "labels", shape: [1000], integers: [Int64](repeating: 1, count: 1000)),
        FileTensor(name: "scale", shape: [], floats: [1]),
    ]

    @Test("Names, types, shapes and bytes are listed with their totals and the metadata")
    func table() async throws {
        try await withTemporaryDirectory { directory in
            let file = try directory.write(Self.tensors, to: "a.safetensors", metadata: ["format": "pt"])
            let outcome = await apus("inspect", file)
            #expect(outcome.status == .success && outcome.errors.isEmpty)
            let rows = outcome.output.split(separator: "\n").map { $0.split(separator: " ") }
            #expect(rows.contains(["format", "pt"]))
            #expect(rows.contains(["weight", "float32", "2x3x1x1", "6", "24"]))
            #expect(rows.contains(["labels", "int64", "1000", "1,000", "8,000"]))
            #expect(rows.contains(["scale", "float32", "scalar", "1", "4"]))
            #expect(rows.last == ["3", "tensors", "1,007", "8,028"])
        }
    }

    @Test("JSON has the same, on one line")
    func json() async throws {
        try await withTemporaryDirectory { directory in
            let file = try directory.write(Self.tensors, to: "a.safetensors", metadata: ["format": "pt"])
            let outcome = await apus("inspect", file, "--json")
            #expect(outcome.output.split(separator: "\n").count == 1)
            let report = try outcome.json()
            #expect(report["elements"] as? Int == 1007 && report["bytes"] as? Int == 8028)
            #expect(report["metadata"] as? [String: String] == ["format": "pt"])
            #expect(report["network"] == nil)
            let tensors = try #require(report["tensors"] as? [[String: Any]])
            #expect(tensors.map { $0["name"] as? String } == ["weight", "labels", "scale"])
            #expect(tensors.map { $0["type"] as? String } == ["float32", "int64", "float32"])
            #expect(tensors.map { $0["shape"] as? [Int] } == [[2, 3, 1, 1], [1000], []])
            #expect(tensors.map { $0["bytes"] as? Int } == [24, 8000, 4])
        }
    }

    @Test("Of a checkpoint, model, input, classes and progress are told, and the optimiser's tensors listed")
    func checkpoint() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await apus(["train"] + quickRun + ["--output", directory.path]).status == .success)
            let text = await apus("inspect", directory.path).output
            let rows = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
            #expect(rows.contains("model lenet5"))
            #expect(rows.contains("input 28x28x1"))
            #expect(rows.contains { $0.hasPrefix("classes 10: class 0, class 1,") })
            #expect(rows.contains("training after 2 epochs"))
            #expect(rows.contains("conv1.weight float32 6x1x5x5 150 600"))
            #expect(rows.contains("optimizer.0.conv1.weight float32 6x1x5x5 150 600"))
            #expect(rows.last == "20 tensors 123,412 493,648")

            let report = try await apus("inspect", directory.path, "--json").json()
            let network = try #require(report["network"] as? [String: Any])
            #expect(network["model"] as? String == "lenet5" && network["input"] as? [Int] == [28, 28, 1])
            #expect((network["classNames"] as? [String])?.count == 10)
            #expect((network["progress"] as? [String: Any])?["epoch"] as? Int == 2)

            let bare = directory.appending(path: "bare.apus")
            try Classifier.load(from: RunFolder(at: directory).checkpoint).save(to: bare)
            let short = await apus("inspect", bare.path).output
            #expect(short.contains("no run to go on with") && short.contains("10 tensors"))
        }
    }

    @Test("A pipe, which gives its bytes only once, is read as a file is")
    func pipe() async throws {
        try await withTemporaryDirectory { directory in
            let layers = Sequential { Linear(1, 2).named("output") }
            let classifier = try Classifier(
                modelName: "small",
                network: Network(layers, input: Shape(height: 1, width: 1, channels: 1)),
                classNames: ["a", "b"], normalization: Normalization(mean: [0], deviation: [1]))
            let checkpoint = directory.appending(path: "small.apus")
            try classifier.save(to: checkpoint)
            let tensors = try directory.write(Self.tensors, to: "a.safetensors")
            for path in [checkpoint.path, tensors] {
                // Both files are smaller than what a pipe holds, so that no reader need wait for a writer.
                let pipe = Pipe()
                try pipe.fileHandleForWriting.write(contentsOf: Data(contentsOf: URL(filePath: path)))
                try pipe.fileHandleForWriting.close()
                let piped = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
                var report = try await apus("inspect", piped, "--json").json()
                var expected = try await apus("inspect", path, "--json").json()
                #expect(report.removeValue(forKey: "file") as? String == piped)
                expected["file"] = nil
                #expect(NSDictionary(dictionary: report) == NSDictionary(dictionary: expected))
            }
        }
    }

    @Test("What is no file of tensors is an error")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "file")
            try Data("something else".utf8).write(to: file)
            let foreign = await apus("inspect", file.path)
            #expect(foreign.status == .failure && foreign.output.isEmpty)
            #expect(foreign.errors.contains(file.path))
            #expect(await apus("inspect", directory.appending(path: "absent").path).status == .failure)
            #expect(await apus("inspect").status == .usage)
        }
    }
}
