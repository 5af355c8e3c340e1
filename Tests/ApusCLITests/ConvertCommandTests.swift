import ApusCLI
import ApusFormats
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus convert")
struct ConvertCommandTests {
    private func trainedRun(in directory: URL) async throws -> (folder: URL, network: Network) {
        let folder = directory.appending(path: "run")
        #expect(await apus(["train"] + quickRun + ["--output", folder.path]).status == .success)
        return (folder, try Classifier.load(from: RunFolder(at: folder).checkpoint).network)
    }

    @Test("A run's parameters go to a format and back with the same bits", arguments: ["safetensors", "npz"])
    func roundTrip(format: String) async throws {
        try await withTemporaryDirectory { directory in
            let (folder, network) = try await trainedRun(in: directory)
            let file = directory.appending(path: "weights.\(format)")
            let there = await apus("convert", folder.path, file.path)
            #expect(there.status == .success)
            #expect(there.output.hasPrefix("10 tensors of "))
            #expect(there.errors.contains("the state of training stay behind"))
            #expect(try TensorFile(contentsOf: file).tensors == network.tensors)

            let checkpoint = directory.appending(path: "back.apus")
            let back = await apus("convert", file.path, checkpoint.path, "--model", "lenet5")
            #expect(back.status == .success && back.errors.isEmpty)
            let classifier = try Classifier.load(from: checkpoint)
            #expect(classifier.network.tensors == network.tensors)
            #expect(classifier.modelName == "lenet5")
            #expect(classifier.classNames == (0..<10).map(String.init))
            #expect(classifier.normalization.mean == [0] && classifier.normalization.deviation == [1])
            #expect(try Checkpoint(contentsOf: checkpoint).progress == nil)
        }
    }

    @Test("A checkpoint is made for the images and classes that are asked for")
    func shape() async throws {
        try await withTemporaryDirectory { directory in
            let network = try Network(SqueezeNet1_1(classes: 7))
            let file = try directory.write(network.tensors, to: "weights.safetensors")
            let checkpoint = directory.appending(path: "net.apus")
            let outcome = await apus(
                "convert", file, checkpoint.path, "--model", "squeezenet1_1", "--classes", "7", "--input",
                "64x48x3")
            #expect(outcome.status == .success)
            let classifier = try Classifier.load(from: checkpoint)
            #expect(classifier.network.input.description == "64x48x3")
            #expect(classifier.classNames.count == 7)
            #expect(classifier.network.tensors == network.tensors)
        }
    }

    @Test("Double precision is rounded for a checkpoint, and that is said where it changes a number")
    func rounding() async throws {
        try await withTemporaryDirectory { directory in
            func doubles(_ value: Double) throws -> [FileTensor] {
                try Network(LeNet5()).tensors.map { tensor in
                    let values = [Double](repeating: value, count: tensor.count)
                    return FileTensor(
                        name: tensor.name, shape: tensor.shape, elementType: .float64,
                        bytes: values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
                }
            }
            let checkpoint = directory.appending(path: "net.apus").path
            let exact = try directory.write(doubles(0.5), to: "exact.safetensors")
            #expect(await apus("convert", exact, checkpoint, "--model", "lenet5").errors.isEmpty)
            let rounded = try directory.write(doubles(0.1), to: "rounded.safetensors")
            let outcome = await apus("convert", rounded, checkpoint, "--model", "lenet5")
            #expect(outcome.status == .success)
            #expect(outcome.errors.contains("note: a checkpoint has single precision: 10 tensors rounded"))
        }
    }

    @Test("Metadata, names and types that a format has no place for are named")
    func losses() async throws {
        try await withTemporaryDirectory { directory in
            let tensors = [FileTensor(name: "x", shape: [2], floats: [1, 2])]
            let file = try directory.write(tensors, to: "a.safetensors", metadata: ["format": "pt"])
            let lost = await apus("convert", file, directory.appending(path: "a.npz").path)
            #expect(lost.status == .success && lost.errors.contains("no place for metadata: format"))
            let kept = await apus("convert", file, directory.appending(path: "b.safetensors").path)
            #expect(kept.errors.isEmpty)
            #expect(try directory.tensors("b.safetensors").metadata == ["format": "pt"])

            let nameless = await apus("convert", file, directory.appending(path: "y.npy").path)
            #expect(nameless.status == .success && nameless.errors.contains("no place for the name x"))
            let half = FileTensor(name: "h", shape: [1], elementType: .bfloat16, bytes: Data([0x80, 0x3F]))
            let wider = await apus(
                "convert", try directory.write([half], to: "h.safetensors"),
                directory.appending(path: "h.npz").path)
            #expect(wider.errors.contains("note: the format has no bfloat16: 1 tensor in float32"))
            #expect(try directory.tensors("h.npz").floats("h") == [1])
        }
    }

    @Test("What would be lost, overwritten or guessed is refused, and nothing is written")
    func refusals() async throws {
        try await withTemporaryDirectory { directory in
            let (folder, network) = try await trainedRun(in: directory)
            let file = try directory.write(network.tensors, to: "weights.safetensors")
            let link = directory.appending(path: "link.safetensors")
            try FileManager.default.createSymbolicLink(
                at: link, withDestinationURL: directory.appending(path: "weights.safetensors"))
            func refusal(_ line: String...) async -> String {
                let outcome = await apus(["convert"] + line)
                #expect(outcome.status != .success && outcome.output.isEmpty)
                return outcome.errors
            }
            func target(_ name: String) -> String { directory.appending(path: name).path }

            #expect(await refusal(file, file).contains("name another file for the output"))
            #expect(await refusal(file, link.path).contains("name another file for the output"))
            #expect(try TensorFile(contentsOf: link).tensors == network.tensors)
            #expect(await refusal(folder.path, target("copy.apus")).contains("is a checkpoint already"))
            #expect(await refusal(file, target("net.apus")).contains("--model <name> is required"))
            #expect(
                await refusal(file, target("net.apus"), "--model", "squeezenet1_1")
                    .contains("no parameters of those names"))
            #expect(
                await refusal(file, target("net.apus"), "--model", "lenet5", "--input", "8x8x1")
                    .contains("lenet5 cannot be built for images of 8x8x1: layer conv2"))
            #expect(
                await refusal(file, target("net.npz"), "--model", "lenet5").contains("are for checkpoints"))
            #expect(await refusal(file, target("net.npy")).contains("net.npy: there are 10 tensors"))
            #expect(await refusal(file, target("net.pt")).contains("read, not written"))
            #expect(await refusal(file, target("net.h5")).contains("unknown extension"))
            #expect(await refusal(file).contains("<out> is required"))
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
            #expect(names == ["link.safetensors", "run", "weights.safetensors"])
        }
    }
}
