import ApusCLI
import ApusData
import ApusKernels
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train, images and classes")
struct PreprocessedTrainingTests {
    private static let few = ["--data=synthetic=20", "--epochs=2", "--batch-size=10", "--threads=1"]

    private func run(_ directory: URL) throws -> Checkpoint {
        try Checkpoint(contentsOf: RunFolder(at: directory).checkpoint)
    }

    @Test("A model of colour trains on grey images that are resized for it, and is tested on the same")
    func colour() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train", "--model=squeezenet1_1", "--image-size=32x30"] + Self.few
                    + ["--output", directory.path])
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(outcome.output.contains("20 images of 28x28x1 seen as 32x30x3"))

            let checkpoint = try run(directory)
            #expect(checkpoint.settings?["image-size"] == "32x30")
            let preprocessing = try checkpoint.classifier().preprocessing
            #expect(preprocessing.image == Shape(height: 28, width: 28, channels: 1))
            #expect(preprocessing.input == Shape(height: 32, width: 30, channels: 3))

            let report = await apus("evaluate", "--checkpoint", directory.path, "--json")
            #expect(report.status == .success)
            let metrics = try Data(contentsOf: RunFolder(at: directory).metrics)
            #expect(
                try JSONDecoder().decode(ClassificationReport.self, from: Data(report.output.utf8))
                    == JSONDecoder().decode(ClassificationReport.self, from: metrics))
        }
    }

    @Test("Without a size, images keep theirs, and are of as many channels as the model wants")
    func channels() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train", "--model=squeezenet1_1", "--quiet"] + Self.few + ["--output", directory.path])
            #expect(outcome.status == .success, "\(outcome.errors)")
            let checkpoint = try run(directory)
            #expect(checkpoint.settings?.keys.contains("image-size") == false)
            #expect(
                try checkpoint.classifier().preprocessing.input
                    == Shape(height: 28, width: 28, channels: 3))
        }
    }

    @Test("A run on resized images goes on as it began, and no other way")
    func resume() async throws {
        try await withTemporaryDirectory { directory in
            let line = Self.few + ["--image-size=32", "--model=lenet5-1998", "--output", directory.path]
            // LeNet-5 takes no other images than those it was designed for.
            let refused = await apus(["train"] + line)
            #expect(refused.status == .failure)
            #expect(refused.errors.contains("of 28x28x1, resized to 32x32: layer fc1"), "\(refused.errors)")
        }
        try await withTemporaryDirectory { directory in
            let line = ["train", "--quiet"] + Self.few + ["--output", directory.path]
            #expect(await apus(line + ["--image-size=28"]).status == .success)
            #expect(await apus(line + ["--resume", "--image-size=28x28"]).status == .success)
            let other = await apus(line + ["--resume", "--image-size=30"])
            #expect(other.status == .usage)
            #expect(other.errors.contains("--image-size 30 contradicts"))
        }
    }

    @Test("Images too small for a model are refused by layer, window and map")
    func tooSmall() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus(
                ["train", "--model=squeezenet1_1", "--image-size=8"] + Self.few
                    + ["--output", directory.path])
            #expect(outcome.status == .failure)
            #expect(
                outcome.errors
                    == "apus: error: squeezenet1_1 cannot be built for the images of synthetic=20, of "
                    + "28x28x1, resized to 8x8: layer features.5: a 3x3 window does not fit its 1x1 input\n")
        }
    }

    @Test("A network may tell apart more classes than the data has, but not fewer")
    func classes() async throws {
        try await withTemporaryDirectory { directory in
            let line = ["train", "--quiet"] + Self.few + ["--output", directory.path]
            let fewer = await apus(line + ["--classes=9"])
            #expect(fewer.status == .usage)
            #expect(
                fewer.errors.contains(
                    "--classes must be at least the 10 classes of synthetic=20, found 9"))
            let more = await apus(line + ["--classes=12"])
            #expect(more.status == .success, "\(more.errors)")
            let names = try run(directory).classNames
            #expect(names == (0..<12).map { "class \($0)" })
            #expect(await apus("evaluate", "--checkpoint", directory.path).status == .success)
        }
    }

    @Test("Computed in parts, a run saves the same bits, and may go on in other parts")
    func microBatch() async throws {
        try await withTemporaryDirectory { directory in
            var tensors: [[String: [UInt32]]] = []
            for (index, more) in [[], ["--micro-batch=3"], ["--micro-batch=100"]].enumerated() {
                let folder = directory.appending(path: "\(index)")
                let line = ["train", "--quiet"] + quickRun + ["--output", folder.path]
                #expect(await apus(line + more).status == .success)
                tensors.append(try run(folder).bits)
                #expect(await apus(line + ["--resume", "--micro-batch=7"]).status == .success)
            }
            #expect(tensors[1] == tensors[0] && tensors[2] == tensors[0])
        }
    }
}
