import ApusCLI
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train and evaluate, on folders of images")
struct FolderCommandTests {
    /// Images of 28x28 in two classes, light ones and dark ones, and a file that is none.
    private static func photos() throws -> ImageTree {
        let tree = try ImageTree()
        for index in 0..<20 {
            let image = PixelImage.random(height: 28, width: 28, channels: 1, seed: UInt64(index))
            let isLight = index.isMultiple(of: 2)
            let samples = image.samples.map { isLight ? 255 - $0 / 4 : $0 / 4 }
            let changed = PixelImage(height: 28, width: 28, channels: 1, samples: samples)
            try tree.write(changed.png(), to: "\(isLight ? "light" : "dark")/\(index).png")
        }
        try tree.write(Data("no image".utf8), to: "dark/bad.jpg")
        return tree
    }

    private static let few = ["--epochs=3", "--batch-size=8", "--threads=2"]

    @Test("A network is trained, tested and evaluated, and a bad file is named")
    func train() async throws {
        let (photos, output) = (try Self.photos(), try TemporaryFolder())
        let data = "--data=folder=\(photos.path),test=0.25,seed=3"
        let run = output.url.appending(path: "run").path
        let outcome = await apus(["train", data, "--output", run] + Self.few, columns: 400)
        #expect(outcome.status == .success, "\(outcome.errors)")
        #expect(outcome.output.contains("14 images of 28x28x1, and 6 to test on"))
        #expect(
            outcome.output.contains("1 file of no whole image: \(photos.path)/dark/bad.jpg, byte 0: found"))
        #expect(outcome.output.contains("Best test accuracy 1.0000"))

        let report = await apus("evaluate", "--checkpoint", run, "--json")
        #expect(report.status == .success, "\(report.errors)")
        let metrics = try Data(contentsOf: RunFolder.existing(at: URL(filePath: run)).metrics)
        #expect(
            try JSONDecoder().decode(ClassificationReport.self, from: Data(report.output.utf8))
                == JSONDecoder().decode(ClassificationReport.self, from: metrics))
        let again = await apus(["train", "--resume", "--output", run, data])
        #expect(again.output.contains("is complete"))
        let other = await apus(["train", "--resume", "--output", run, "--data=folder=\(photos.path)"])
        #expect(other.status == .usage)
    }

    @Test("With --strict a bad file is an error, of training and of evaluation")
    func strict() async throws {
        let (photos, output) = (try Self.photos(), try TemporaryFolder())
        let line = ["--data=folder=\(photos.path)", "--output", output.url.appending(path: "run").path]
        let outcome = await apus(["train", "--strict"] + line + Self.few)
        #expect(outcome.status == .failure)
        let reason = "\(photos.path)/dark/bad.jpg, byte 0: found the bytes 6e 6f 20 69"
        #expect(outcome.errors.contains(reason))
        #expect(await apus(["train"] + line + Self.few).status == .success)
        let run = output.url.appending(path: "run").path
        #expect(await apus("evaluate", "--checkpoint", run).status == .success)
        let evaluation = await apus("evaluate", "--checkpoint", run, "--strict")
        #expect(evaluation.status == .failure && evaluation.errors.contains(reason))
    }

    @Test("Classes of other names than a run's are refused, when it is evaluated and when it is taken up")
    func otherClasses() async throws {
        let (photos, output) = (try Self.photos(), try TemporaryFolder())
        let run = output.url.appending(path: "run").path
        let line = ["--data=folder=\(photos.path)", "--output", run]
        #expect(await apus(["train"] + line + Self.few).status == .success)
        try FileManager.default.moveItem(
            at: URL(filePath: "\(photos.path)/dark"), to: URL(filePath: "\(photos.path)/night"))
        for command in [["evaluate", "--checkpoint", run], ["train", "--resume", "--output", run]] {
            let outcome = await apus(command)
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains("found light as its class 0, expected dark"), "\(outcome.errors)")
        }
    }

    @Test("A run that is taken up has its constants from the checkpoint, and reads no image for them")
    func resumed() async throws {
        let (photos, output) = (try Self.photos(), try TemporaryFolder())
        let run = output.url.appending(path: "run").path
        let line = ["train", "--quiet", "--data=folder=\(photos.path)", "--output", run] + Self.few
        #expect(await apus(line).status == .success)
        // Of what is left of a complete run, nothing needs the images to train on: their headers are whole.
        for index in 0..<20 {
            let file = "\(photos.path)/\(index.isMultiple(of: 2) ? "light" : "dark")/\(index).png"
            var bytes = try Data(contentsOf: URL(filePath: file))
            bytes[bytes.count / 2] ^= 0xFF
            try bytes.write(to: URL(filePath: file))
        }
        let outcome = await apus("train", "--resume", "--output", run)
        // The images to test on are read, and found damaged.
        #expect(outcome.output.contains("is complete"), "\(outcome.errors)")
    }

    @Test("Constants that are given are kept, and go together")
    func constants() async throws {
        let (photos, output) = (try Self.photos(), try TemporaryFolder())
        let run = output.url.appending(path: "run")
        let line = ["train", "--quiet", "--data=folder=\(photos.path)", "--output", run.path] + Self.few
        #expect(await apus(line + ["--mean=0.5,0.5", "--deviation=0.25,0.25"]).status == .failure)
        #expect(await apus(line + ["--mean=0.5"]).errors.contains("--mean and --deviation go together"))
        #expect(await apus(line + ["--mean=0.5", "--deviation=0"]).status == .usage)
        #expect(await apus(line + ["--mean=0.5,,", "--deviation=1"]).status == .usage)
        #expect(await apus(line + ["--mean=0.5", "--deviation=0.25"]).status == .success)
        let checkpoint = try Checkpoint(contentsOf: RunFolder.existing(at: run).checkpoint)
        #expect(checkpoint.normalization.mean == [0.5] && checkpoint.normalization.deviation == [0.25])
        #expect(checkpoint.settings?["mean"] == "0.5")
        #expect(await apus(line + ["--resume"]).status == .success)
        #expect(await apus(line + ["--resume", "--mean=0.4", "--deviation=0.25"]).status == .usage)
    }
}
