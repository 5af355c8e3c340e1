import ApusCLI
import ApusFormats
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus compare")
struct CompareCommandTests {
    private func compare(
        _ a: [FileTensor], _ b: [FileTensor], _ options: [String] = []
    ) async throws -> Outcome {
        try await withTemporaryDirectory { directory in
            let a = try directory.write(a, to: "a.safetensors")
            let b = try directory.write(b, to: "b.safetensors")
            let outcome = await apus(["compare", a, b] + options)
            #expect(outcome.errors.isEmpty)
            return outcome
        }
    }

    private func floats(_ name: String = "x", _ values: Float...) -> FileTensor {
        FileTensor(name: name, shape: [values.count], floats: values)
    }

    private func doubles(_ values: Double...) -> FileTensor {
        let bytes = values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
        return FileTensor(name: "x", shape: [values.count], elementType: .float64, bytes: bytes)
    }

    @Test("Equal files agree, in whatever order their tensors are")
    func equal() async throws {
        let tensors = try Network(LeNet5()).tensors
        let outcome = try await compare(tensors, tensors.reversed())
        #expect(outcome.status == .success)
        #expect(outcome.output.contains("10 tensors: no error is beyond 1e-06 + 0.0001 |B|."))
        let row = outcome.output.split(separator: "\n").first { $0.hasPrefix("conv2.weight") }
        #expect(row?.split(separator: " ") == ["conv2.weight", "16x6x5x5", "0", "0", "equal"])
    }

    @Test("The first tensor that differs is named with its farthest element and the error of the whole")
    func values() async throws {
        let good = FileTensor(name: "good", shape: [2], floats: [1, 2])
        let b = FileTensor(name: "bad", shape: [2, 3], floats: [3, 0, 4, 0, 0, 1000])
        // Beyond the tolerance at two elements; the largest error of all is borne.
        let a = FileTensor(name: "bad", shape: [2, 3], floats: [3, 0, 4.03125, 0.015625, 0, 1000.0625])
        let worse = FileTensor(name: "worse", shape: [], floats: [1])
        let outcome = try await compare(
            [good, a, worse], [good, b, FileTensor(name: "worse", shape: [], floats: [2])])
        #expect(outcome.status == .difference)
        #expect(
            outcome.output.contains("Of 3 tensors bad and 1 more differ: 2 elements beyond the tolerance"))
        let text = outcome.output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(text.contains("the farthest at [0, 2]: 4.03125 in A, 4.0 in B, error 0.0312;"))
        // sqrt(0.03125^2 + 0.015625^2 + 0.0625^2) / sqrt(3^2 + 4^2 + 1000^2)
        #expect(text.contains("relative error of the whole 7.16e-05."))
        #expect(text.contains("bad 2x3 0.0625 7.16e-05 differs"))
        #expect(text.contains("good 2 0 0 equal"))
    }

    @Test("The tolerance is absolute, and relative to B")
    func tolerance() async throws {
        #expect(try await compare([floats("x", 1.00009)], [floats("x", 1)]).status == .success)
        #expect(try await compare([floats("x", 1.00011)], [floats("x", 1)]).status == .difference)
        #expect(try await compare([floats("x", 9e-7)], [floats("x", 0)]).status == .success)
        #expect(try await compare([floats("x", 2e-6)], [floats("x", 0)]).status == .difference)
        #expect(try await compare([floats("x", 2)], [floats("x", 4)], ["--rtol", "0.5"]).status == .success)
        #expect(
            try await compare([floats("x", 4)], [floats("x", 2)], ["--rtol", "0.5"]).status == .difference)
        #expect(try await compare([floats("x", 4)], [floats("x", 2)], ["--atol", "2"]).status == .success)
        let exact = ["--rtol", "0", "--atol", "0"]
        #expect(
            try await compare([floats("x", 1)], [floats("x", 1.0000001)], exact).status == .difference)
        // Beyond what single precision tells apart.
        #expect(
            try await compare([doubles(1 + 1e-12)], [doubles(1)], exact).status == .difference)
    }

    @Test("NaN equals NaN at its own place alone, and an infinity itself")
    func notFinite() async throws {
        let a = floats("x", .nan, .infinity, 1)
        #expect(try await compare([a], [a]).status == .success)
        for b in [
            floats("x", 1, .infinity, .nan), floats("x", .nan, -.infinity, 1), floats("x", .nan, 1, 1),
            floats("x", 0, .infinity, 1),
        ] {
            let outcome = try await compare([a], [b])
            #expect(outcome.status == .difference)
            #expect(outcome.output.contains("error inf"))
            #expect(try await compare([b], [a]).status == .difference)
        }
    }

    @Test("Whole numbers must be equal, however large")
    func wholeNumbers() async throws {
        func labels(_ value: Int64) -> [FileTensor] { [FileTensor(name: "x", shape: [1], integers: [value])] }
        #expect(try await compare(labels(.max), labels(.max)).status == .success)
        let outcome = try await compare(labels(1 << 60 + 1), labels(1 << 60))
        #expect(outcome.status == .difference)
        #expect(try await compare(labels(1_000_001), labels(1_000_000)).status == .difference)
        #expect(try await compare(labels(.min), labels(.max)).output.contains("error 1.84e+19"))
    }

    @Test("Two lone tensors are compared whatever their names, as .npy has them from its files")
    func loneTensors() async throws {
        #expect(try await compare([floats("ours", 1)], [floats("theirs", 1)]).status == .success)
        #expect(try await compare([floats("ours", 1)], [floats("theirs", 2)]).status == .difference)
    }

    @Test("A name's control characters are spelled out, not sent to the terminal")
    func controlCharacters() async throws {
        let outcome = try await compare([floats("a\u{1B}[2J\n", 1)], [floats("a\u{1B}[2J\n", 1)])
        #expect(outcome.output.contains("a\\u{1B}[2J\\u{A}"))
        #expect(!outcome.output.unicodeScalars.contains("\u{1B}"))
    }

    @Test("A tensor that one file has not, or of another shape or kind of numbers, differs")
    func structure() async throws {
        let x = floats("x", 1, 2)
        let onlyA = try await compare([x, floats("y", 1)], [x])
        #expect(onlyA.status == .difference)
        #expect(onlyA.output.contains("Of 2 tensors y alone differs: B has no such tensor."))
        let onlyB = try await compare([x], [floats("y", 1), x])
        #expect(onlyB.status == .difference && onlyB.output.contains("A has no such tensor."))
        let shape = try await compare([x], [FileTensor(name: "x", shape: [2, 1], floats: [1, 2])])
        #expect(shape.status == .difference)
        #expect(shape.output.contains("its shape is [2] in A and [2, 1] in B."))
        let kind = try await compare([x], [FileTensor(name: "x", shape: [2], integers: [1, 2])])
        #expect(kind.status == .difference)
        #expect(kind.output.contains("its numbers are float32 in A and int64 in B."))
        #expect(try await compare([x], [doubles(1, 2)]).status == .success, "both are floating point")
    }

    @Test("A run's parameters compare with a file's; what is no file is an error")
    func sources() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run")
            #expect(await apus(["train"] + quickRun + ["--output", run.path]).status == .success)
            let classifier = try Classifier.load(from: RunFolder(at: run).checkpoint)
            let weights = try directory.write(classifier.network.tensors, to: "weights.safetensors")
            #expect(await apus("compare", run.path, weights, "--rtol", "0", "--atol", "0").status == .success)
            let absent = await apus("compare", weights, directory.appending(path: "absent").path)
            #expect(absent.status == .failure && absent.errors.contains("absent"))
            let folder = await apus("compare", weights, directory.path)
            #expect(folder.status == .failure && folder.errors.contains("holds no run"))
            #expect(await apus("compare", weights).errors.contains("<B> is required"))
            #expect(await apus("compare", weights, weights, weights).status == .usage)
            #expect(await apus("compare", weights, weights, "--rtol", "-1").status == .usage)
        }
    }
}
