import ApusCLI
import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("--backend")
struct BackendOptionTests {
    @Test("A backend that there is not is refused by every command that has the option")
    func unknown() async {
        for line in [
            ["summary"], ["profile"], ["train"], ["evaluate", "--checkpoint", "none"],
            ["run", "--weights", "a", "--input", "b", "--output", "c"],
        ] {
            let outcome = await apus(line + ["--backend", "vectro"])
            #expect(outcome.status == .usage, "\(line)")
            #expect(outcome.output.isEmpty)
            #expect(
                outcome.errors.contains(
                    "--backend must be one of gemm, vector, found 'vectro'; did you mean 'vector'?"))
        }
    }

    /// They add in another order. Measured, relative to their norms results differ by 1.2e-6 at most, which leaves
    /// room for other processors' kernels.
    @Test("Backends agree to within rounding on outputs, loss and gradients")
    func agreement() async throws {
        try await withTemporaryDirectory { directory in
            let batch = FormulaBatch(count: 2, shape: Shape(height: 64, width: 64, channels: 3))
            let network = try Network(SqueezeNet1_1(classes: 10), input: batch.shape)
            try network.setFormulaWeights()
            let weights = try directory.write(network.tensors, to: "weights.safetensors")
            let input = try directory.write(batch.tensors, to: "input.safetensors")
            var results: [TensorFile] = []
            for backend in Backend.allCases {
                let name = "\(backend).safetensors"
                let outcome = await apus(
                    "run", "--model", "squeezenet1_1", "--classes", "10", "--weights", weights, "--input",
                    input,
                    "--output", directory.appending(path: name).path, "--gradients", "--backend",
                    backend.rawValue)
                #expect(outcome.status == .success, "\(outcome.errors)")
                results.append(try directory.tensors(name))
            }
            let (gemm, vector) = (results[0], results[1])
            #expect(gemm.tensors.map(\.name) == vector.tensors.map(\.name))
            for name in gemm.tensors.map(\.name) {
                expectNormClose(vector.floats(name), gemm.floats(name), tolerance: 4e-6, name)
            }
            #expect(gemm != vector, "the option had no effect")
        }
    }

    @Test("A run keeps the backend it was asked for, and no other; who evaluates it is free to choose")
    func runs() async throws {
        try await withTemporaryDirectory { directory in
            let asked = directory.appending(path: "asked")
            let plain = directory.appending(path: "plain")
            let line = ["train"] + quickRun + ["--output"]
            #expect(await apus(line + [asked.path, "--backend", "gemm"]).status == .success)
            #expect(await apus(line + [plain.path]).status == .success)
            func settings(_ folder: URL) throws -> [String: String]? {
                try Checkpoint(contentsOf: RunFolder(at: folder).checkpoint).settings
            }
            let kept = try [asked, plain].map { try settings($0)?["backend"] }
            #expect(kept == ["gemm", nil])

            let resume = ["train", "--resume", "--output", asked.path]
            #expect(await apus(resume).status == .success)
            let other = await apus(resume + ["--backend", "vector"])
            #expect(other.status == .usage)
            #expect(other.errors.contains("--backend vector contradicts"))

            for backend in Backend.allCases {
                let outcome = await apus(
                    "evaluate", "--checkpoint", asked.path, "--backend", backend.rawValue)
                #expect(outcome.status == .success)
            }
        }
    }

    @Test("Classifiers are built for a backend, new ones and those of a checkpoint")
    func classifiers() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "net.apus")
            let data = try DatasetSplits(
                train: ImageDataset.synthetic(
                    count: 10, shape: LeNet5.input, classes: 10, seed: 1, split: "train"),
                test: ImageDataset.synthetic(
                    count: 10, shape: LeNet5.input, classes: 10, seed: 1, split: "test"),
                normalization: Normalization(mean: [0.5], deviation: [0.25]))
            for backend in Backend.allCases {
                let classifier = try Classifier(LeNet5(), for: data, backend: backend)
                #expect(classifier.network.backend == backend)
                try classifier.save(to: file)
                #expect(try Classifier.load(from: file, backend: backend).network.backend == backend)
            }
        }
    }
}
