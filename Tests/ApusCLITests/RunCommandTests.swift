import ApusCLI
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("apus run")
struct RunCommandTests {
    private static let lenet = FormulaBatch(count: 8, shape: LeNet5.input)
    private static let squeezeNet = FormulaBatch(count: 2, shape: Shape(height: 64, width: 64, channels: 3))

    /// Runs `apus run` on a batch and the formula's weights.
    private func run(
        _ model: any Model, _ batch: FormulaBatch, in directory: URL, labels: Bool = true,
        _ options: [String] = []
    ) async throws -> TensorFile {
        let network = try Network(model, input: batch.shape)
        try network.setFormulaWeights()
        let weights = try directory.write(network.tensors, to: "weights.safetensors")
        let input = try directory.write(
            Array(batch.tensors.prefix(labels ? 2 : 1)), to: "input.safetensors")
        let outcome = await apus(
            [
                "run", "--model", type(of: model).name, "--classes", "10", "--weights", weights, "--input",
                input, "--output", directory.appending(path: "output.safetensors").path,
            ] + options)
        #expect(outcome.status == .success, "\(outcome.errors)")
        return try directory.tensors("output.safetensors")
    }

    /// As far from PyTorch's float64 as four times its own float32, gradients twelve times: see the parity tests.
    @Test("Outputs, loss and gradients of LeNet-5 are PyTorch's")
    func parity() async throws {
        try await withTemporaryDirectory { directory in
            let output = try await run(LeNet5(), Self.lenet, in: directory, ["--gradients"])
            let expected = try SafetensorsFixture(named: "lenet5")
            let logits = try expected.tensor("logits")
            #expect(output["logits"]?.shape == [8, 10])
            expectNormClose(
                output.floats("logits").map(Double.init), logits.values,
                tolerance: 4 * relativeNormError(try expected.tensor("float32.logits").values, logits.values),
                "logits")
            #expect(output["loss"]?.shape == [1])
            expectClose(
                output.floats("loss").map(Double.init), try expected.tensor("loss").values, relative: 1e-6)
            let names = try Network(LeNet5()).parameters.map(\.name) + ["input"]
            #expect(output.tensors.map(\.name) == ["logits", "loss"] + names.map { "grad.\($0)" })
            for name in names {
                let truth = try expected.tensor("gradient.\(name)")
                let rounding = try expected.tensor("float32.gradientError.\(name)").values[0]
                #expect(output["grad.\(name)"]?.shape == truth.shape)
                expectNormClose(output.floats("grad.\(name)"), truth.floats, tolerance: 12 * rounding, name)
            }
        }
    }

    @Test("Without labels there are outputs and no loss; threads change no bit")
    func inference() async throws {
        try await withTemporaryDirectory { directory in
            let alone = try await run(LeNet5(), Self.lenet, in: directory, labels: false)
            #expect(alone.tensors.map(\.name) == ["logits"])
            let one = try await run(LeNet5(), Self.lenet, in: directory, ["--gradients", "--threads", "1"])
            let three = try await run(LeNet5(), Self.lenet, in: directory, ["--gradients", "--threads", "3"])
            #expect(one == three)
            #expect(one["logits"] == alone["logits"])
        }
    }

    /// Channels are last inside, and first in what the test computes: nothing of that is seen in a file. The two
    /// round in another order; measured, relative to their norms they differ by 1.2e-6 at most, which leaves
    /// room for other processors' kernels.
    @Test("Outputs, gradients and every layer's output of SqueezeNet are those of an executor")
    func executor() async throws {
        try await withTemporaryDirectory { directory in
            let batch = Self.squeezeNet
            let output = try await run(
                SqueezeNet1_1(classes: 10), batch, in: directory, ["--gradients", "--activations"])
            let network = try Network(
                SqueezeNet1_1(classes: 10), input: batch.shape, layout: .channelsFirst,
                fusesActivations: false)
            try network.setFormulaWeights()
            // On one thread, images come in their order.
            let executor = try Executor(
                network, batchSize: batch.count, workers: Workers(count: 1), keepsInputGradient: true)
            let seen = Mutex<[String: [Float]]>([:])
            executor.observer = { layer, output, first in
                let values = output.channelsFirstArray
                seen.withLock { $0[layer.path, default: []] += values }
            }
            let outcome = executor.computeGradients(
                batch, count: batch.count, loss: SoftmaxCrossEntropy(), phase: .evaluation)
            executor.reduceGradients()

            expectClose(output.floats("loss"), [Float(outcome.loss)], relative: 1e-6)
            func expect(_ name: String, _ truth: [Float], _ shape: [Int]) {
                #expect(output[name]?.shape == shape, "\(name)")
                expectNormClose(output.floats(name), truth, tolerance: 4e-6, name)
            }
            expect("logits", executor.outputs.channelsFirstArray, [2, 10])
            for parameter in network.parameters {
                expect(
                    "grad.\(parameter.name)", network.values(of: parameter, in: executor.gradients),
                    parameter.shape)
            }
            expect("grad.input", try #require(executor.inputGradients).channelsFirstArray, [2, 3, 64, 64])
            let activations = seen.withLock { $0 }
            for (path, values) in activations {
                #expect(output["act.\(path)"]?.count == values.count, "\(path)")
                expectNormClose(output.floats("act.\(path)"), values, tolerance: 4e-6, path)
            }
            // Logits, loss, and two gradients for each of 26 convolutions beside the images'.
            #expect(output.tensors.count == 2 + activations.count + 53)
            #expect(output["act.features.3.expand3x3"]?.shape == [2, 64, 15, 15])
            #expect(output["act.classifier.3"]?.shape == [2, 10])
        }
    }

    @Test("A layer's output is its own, and not what the ReLU after it makes of it")
    func activations() async throws {
        try await withTemporaryDirectory { directory in
            let output = try await run(LeNet5(), Self.lenet, in: directory, labels: false, ["--activations"])
            let layers = try Network(LeNet5()).root.children
            #expect(output.tensors.map(\.name) == ["logits"] + layers.map { "act.\($0.path)" })
            for number in 1...2 {
                let (before, after) = (output.floats("act.conv\(number)"), output.floats("act.relu\(number)"))
                #expect(before.contains { $0 < 0 })
                #expect(before.map { max($0, 0) } == after)
            }
            #expect(output.floats("act.fc1").map { max($0, 0) } == output.floats("act.relu3"))
            #expect(output["act.conv2"]?.shape == [8, 16, 10, 10])
            #expect(output["act.flatten"]?.shape == [8, 400])
            #expect(output.floats("act.flatten") == output.floats("act.pool2"))
            #expect(output.floats("act.fc3") == output.floats("logits"))
            let plain = try await run(LeNet5(), Self.lenet, in: directory, labels: false)
            #expect(plain["logits"] == output["logits"])
        }
    }

    @Test("Dropout drops in training alone, as the seed has it")
    func dropout() async throws {
        try await withTemporaryDirectory { directory in
            func output(_ options: String...) async throws -> TensorFile {
                try await run(
                    SqueezeNet1_1(classes: 10), Self.squeezeNet, in: directory, ["--activations"] + options)
            }
            let still = try await output()
            #expect(still.floats("act.classifier.0") == still.floats("act.features"))
            let trained = try await output("--training", "--gradients", "--seed", "3")
            let pairs = zip(trained.floats("act.classifier.0"), still.floats("act.features"))
            #expect(pairs.allSatisfy { $0.0 == 0 || $0.0 == 2 * $0.1 })
            #expect(pairs.contains { $0.0 == 0 && $0.1 > 0 } && pairs.contains { $0.0 > 0 })
            let forward = try await output("--training", "--seed", "3")
            #expect(forward["act.classifier.0"] == trained["act.classifier.0"])
            #expect(forward["loss"] == trained["loss"])
            #expect(try await output("--training", "--seed", "4")["logits"] != trained["logits"])
        }
    }

    @Test("Weights come from a checkpoint, a run's folder and a file alike; a checkpoint knows its model")
    func weights() async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory.appending(path: "run")
            #expect(await apus(["train"] + quickRun + ["--output", folder.path]).status == .success)
            let checkpoint = RunFolder(at: folder).checkpoint
            let weights = try directory.write(
                try Classifier.load(from: checkpoint).network.tensors, to: "weights.safetensors")
            let input = try directory.write(Self.lenet.tensors, to: "input.safetensors")
            var outputs: [TensorFile] = []
            for source in [
                [folder.path], [checkpoint.path, "--model", "lenet5"], [weights, "--model", "lenet5"],
            ] {
                let file = directory.appending(path: "output.safetensors")
                let outcome = await apus(
                    ["run", "--input", input, "--output", file.path, "--weights"] + source)
                #expect(outcome.status == .success)
                #expect(outcome.output.hasPrefix("lenet5 on 8 images of 28x28x1: 2 tensors in "))
                outputs.append(try TensorFile(contentsOf: file))
            }
            #expect(outputs.allSatisfy { $0 == outputs[0] })

            func errors(_ options: String...) async -> String {
                let outcome = await apus(
                    ["run", "--input", input, "--output", directory.appending(path: "o.npz").path] + options)
                #expect(outcome.status != .success)
                return outcome.errors
            }
            #expect(await errors("--weights", weights).contains("--model <name> is required"))
            // The same parameters, but another network.
            #expect(
                await errors("--weights", folder.path, "--model", "lenet5-1998")
                    .contains("holds the model lenet5, expected lenet5-1998"))
            #expect(await errors("--weights", folder.path, "--classes", "8").contains("holds 10 classes"))
            #expect(
                await errors("--weights", weights, "--model", "lenet5", "--classes", "8")
                    .contains("tensor fc3.weight: found the shape [10, 84], expected [8, 84]"))
        }
    }
}

@Suite("apus run: refusals")
struct RunCommandRefusalTests {
    private static let image = FileTensor(
        name: "input", shape: [1, 1, 28, 28], floats: [Float](repeating: 0, count: 784))

    private static func image(_ shape: Int...) -> FileTensor {
        FileTensor(name: "input", shape: shape, floats: [Float](repeating: 0, count: shape.reduce(1, *)))
    }

    private static func labels(_ labels: Int64...) -> FileTensor {
        FileTensor(name: "labels", shape: [labels.count], integers: labels)
    }

    @Test(
        "What is wrong with a batch is said with what is right",
        arguments: [
            (
                [image.named("inputs"), labels(1)],
                "has no tensor 'input'; is it the one that is called 'inputs'?"
            ),
            ([], "has no tensor 'input'"),
            ([image(1, 28, 28)], "found the shape [1, 28, 28], expected [images, channels, height, width]"),
            ([image(0, 1, 28, 28)], "found the shape [0, 1, 28, 28]"),
            (
                [FileTensor(name: "input", shape: [1, 1, 1, 1], integers: [0])],
                "tensor input: found int64, expected float32"
            ),
            ([image(1, 3, 28, 28)], "layer conv1: expects 1 input channels, found 3"),
            ([image(1, 1, 8, 8)], "layer conv2"),
            ([image, labels(10)], "tensor labels: found 10 for image 0, expected 0 to 9"),
            ([image, labels(-1)], "tensor labels: found -1 for image 0"),
            ([image, labels(1, 2)], "tensor labels: found the shape [2], expected [1]"),
            (
                [image, FileTensor(name: "labels", shape: [1], floats: [1])],
                "tensor labels: found float32, expected whole numbers"
            ),
        ])
    func batches(tensors: [FileTensor], message: String) async throws {
        try await withTemporaryDirectory { directory in
            let input = try directory.write(tensors, to: "input.safetensors")
            let outcome = await Self.run(in: directory, input: input)
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains(message), "\(outcome.errors)")
            #expect(outcome.output.isEmpty)
            #expect(!FileManager.default.fileExists(atPath: directory.appending(path: "out.npz").path))
        }
    }

    @Test("Gradients want labels, the output a place that can be written and is not read")
    func others() async throws {
        try await withTemporaryDirectory { directory in
            let input = try directory.write([Self.image], to: "input.safetensors")
            let unlabelled = await Self.run(in: directory, input: input, "--gradients")
            #expect(unlabelled.status == .failure)
            #expect(unlabelled.errors.contains("--gradients needs a loss"))

            let several = await Self.run(in: directory, input: input, output: "out.npy", "--activations")
            #expect(several.status == .failure)
            #expect(several.errors.contains("out.npy: there are 2 tensors to write, expected one"))
            let seed = await Self.run(in: directory, input: input, "--seed", "3")
            #expect(seed.status == .usage && seed.errors.contains("which --training turns on"))

            let lone = try directory.write([Self.image], to: "batch.npy")
            #expect(await Self.run(in: directory, input: lone).status == .success)

            let nowhere = await Self.run(in: directory, input: input, output: "missing/out.npz")
            #expect(nowhere.status == .failure && nowhere.errors.contains("missing/out.npz"))
            for name in ["input.safetensors", "weights.safetensors"] {
                let before = try Data(contentsOf: directory.appending(path: name))
                let same = await Self.run(in: directory, input: input, output: name)
                #expect(same.status == .failure && same.errors.contains("name another file for the output"))
                #expect(try Data(contentsOf: directory.appending(path: name)) == before)
            }
            let torch = await Self.run(in: directory, input: input, output: "out.pt")
            #expect(torch.status == .failure && torch.errors.contains("read, not written"))
            let absent = await Self.run(in: directory, input: directory.appending(path: "absent").path)
            #expect(absent.status == .failure && absent.errors.contains("absent: No such file"))
            #expect(await apus("run", "--model", "lenet5").status == .usage)
        }
    }

    private static func run(
        in directory: URL, input: String, output: String = "out.npz", _ options: String...
    ) async -> Outcome {
        do {
            let weights = try directory.write(Network(LeNet5()).tensors, to: "weights.safetensors")
            return await apus(
                [
                    "run", "--model", "lenet5", "--weights", weights, "--input", input, "--output",
                    directory.appending(path: output).path,
                ] + options)
        } catch {
            Issue.record(error)
            return Outcome(status: .usage, output: "", errors: "")
        }
    }
}
