import ApusCLI
import ApusData
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus train --augment")
struct AugmentTests {
    private func train(_ arguments: [String], in folder: URL) async -> Outcome {
        await apus(["train"] + arguments + ["--output", folder.path])
    }

    @Test("A run keeps its transforms, goes on with them, and has the same bits on any number of threads")
    func training() async throws {
        try await withTemporaryDirectory { directory in
            var tensors: [[String: [UInt32]]] = []
            let line = quickRun.dropLast(2) + ["--augment", "shift=0.1,rotate=10.0, flip=0.5"]
            for threads in ["1", "2"] {
                let folder = directory.appending(path: threads)
                let outcome = await train(line + ["--threads", threads], in: folder)
                #expect(outcome.status == .success, "\(outcome.errors)")
                #expect(outcome.output.contains("rotate=10,shift=0.1,flip\n"))
                let checkpoint = try Checkpoint(contentsOf: RunFolder(at: folder).checkpoint)
                #expect(checkpoint.settings?["augment"] == "rotate=10,shift=0.1,flip")
                tensors.append(checkpoint.bits)
            }
            let plain = directory.appending(path: "plain")
            #expect(await train(quickRun + ["--quiet"], in: plain).status == .success)
            let others = try Checkpoint(contentsOf: RunFolder(at: plain).checkpoint)
            #expect(tensors[0] == tensors[1] && tensors[0] != others.bits)
            #expect(others.settings?.keys.contains("augment") == false)

            let folder = directory.appending(path: "1")
            #expect(await train(line + ["--resume"], in: folder).status == .success)
            let other = await train(["--resume", "--augment", "flip"], in: folder)
            #expect(other.status == .usage)
            #expect(other.errors.contains("--augment flip contradicts"))
            #expect(other.errors.contains("started with --augment rotate=10,shift=0.1,flip"))
        }
    }

    @Test("What cannot be read, or is not for the images, is told before a run")
    func errors() async throws {
        try await withTemporaryDirectory { directory in
            let folder = directory.appending(path: "run")
            let misspelt = await train(quickRun + ["--augment", "rotat=10"], in: folder)
            #expect(misspelt.status == .usage)
            #expect(
                misspelt.errors.contains("--augment: there is no transform 'rotat'; did you mean 'rotate'?"))
            let grey = await train(quickRun + ["--augment", "lighting"], in: folder)
            #expect(grey.status == .failure)
            #expect(grey.errors.contains("--augment: lighting is for images of 3 channels, found 1"))
            let large = await train(quickRun + ["--augment", "pad-crop=1:size=40"], in: folder)
            #expect(large.status == .failure)
            #expect(
                large.errors.contains("is for images of at least 40x40, padding included, found one of 28x28")
            )
            #expect(!FileManager.default.fileExists(atPath: folder.path))
        }
    }
}

@Suite("apus preview")
struct PreviewCommandTests {
    @Test("The sheet has a row for each image: itself, enlarged, and what epochs see of it")
    func sheet() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "sheet.png")
            let outcome = await apus(
                "preview", "--data", "synthetic=60", "--augment", "flip=1,rotate=20", "--images", "3",
                "--count", "2", "--seed", "5", "--output", file.path)
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(
                outcome.output.hasPrefix(
                    "3 images of synthetic=60, each as it is and in 2 variants by flip=1,rotate=20, in "))
            let sheet = try PixelImage(contentsOf: file)
            // Three images of 28 pixels, each three wide, with margins of 14 and gaps of 8, after the names of classes.
            #expect(sheet.height == 3 * 84 + 2 * 8 + 28 && sheet.channels == 3)
            let first = sheet.width - 14 - (3 * 84 + 2 * 8 + 14)
            #expect(first > 28)

            let train = try DatasetSpecification.synthetic(count: 60).load().train
            let chain = try Augmentation(parsing: "flip=1,rotate=20")
            for row in 0..<3 {
                // The first of each class.
                let index = try #require((0..<60).first { train.label(of: $0) == row })
                let image = try train.image(index, atLeast: nil)
                let variants = try (0..<2).map {
                    try chain.apply(to: image, number: index, seed: 5, epoch: $0)
                }
                for (column, expected) in ([image] + variants).enumerated() {
                    let left = first + column * (84 + 8) + (column > 0 ? 14 : 0)
                    for y in 0..<84 {
                        for x in 0..<84 {
                            let pixel = 3 * ((14 + row * 92 + y) * sheet.width + left + x)
                            let grey = expected.samples[y / 3 * 28 + x / 3]
                            guard sheet.samples[pixel..<pixel + 3].allSatisfy({ $0 == grey }) else {
                                Issue.record("image \(row), \(column) differs at \(y), \(x)")
                                return
                            }
                        }
                    }
                }
            }
        }
    }

    @Test("Images are of the size asked for, and large ones reduced to be seen together")
    func sizes() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "sheet.png")
            let line = ["preview", "--data=synthetic=12", "--images=1", "--count=1", "--output", file.path]
            for (size, extent) in [("42", 84), ("100x50", 100), ("448", 224)] {
                #expect(await apus(line + ["--image-size", size]).status == .success)
                let sheet = try PixelImage(contentsOf: file)
                #expect(sheet.height == extent + 28)
            }
        }
    }

    @Test("The help explains every transform")
    func help() async {
        let help = await apus("preview", "--help").output
        for name in Augmentation.names { #expect(help.contains("  \(name)")) }
    }

    @Test("What is wrong is told")
    func errors() async {
        let misspelt = await apus("preview", "--augment", "elastc")
        #expect(misspelt.status == .usage)
        #expect(misspelt.errors.contains("did you mean 'elastic'?"))
        let nowhere = await apus("preview", "--data=synthetic=12", "--output=/nonexistent/sheet.png")
        #expect(nowhere.status == .failure)
        let grey = await apus(
            "preview", "--data=synthetic=12", "--augment=lighting", "--output=/nonexistent/a")
        #expect(grey.errors.contains("--augment: lighting is for images of 3 channels"))
    }
}
