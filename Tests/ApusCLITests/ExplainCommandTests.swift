import ApusAnalysis
import ApusCLI
import ApusData
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus explain")
struct ExplainCommandTests {
    /// A trained run, and two images in files.
    private func setUp(_ tree: ImageTree) async throws -> (run: String, files: [String], folder: URL) {
        let run = tree.path + "/run"
        #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
        try tree.write(image: "a.png", height: 28, width: 28, seed: 1)
        try tree.write(image: "b.png", height: 40, width: 31, channels: 3, seed: 2)
        return (run, ["a.png", "b.png"].map { "\(tree.path)/\($0)" }, URL(filePath: tree.path))
    }

    private func explainer(_ run: String) throws -> Explainer {
        try Explainer(Classifier.load(from: RunFolder(at: URL(filePath: run)).checkpoint))
    }

    @Test("The numbers are the library's, and the picture shows each image and its map")
    func files() async throws {
        let tree = try ImageTree()
        let (run, files, folder) = try await setUp(tree)
        let outcome = await apus(
            ["explain", "-c", run] + files + [
                "--class", "4", "--values", "\(tree.path)/v.safetensors", "-o", "\(tree.path)/p.png",
            ])
        #expect(outcome.status == .success && outcome.errors.isEmpty)
        #expect(outcome.output.contains("2 images explained by Grad-CAM at conv2, in "))
        let values = try folder.tensors("v.safetensors")
        let explainer = try explainer(run)
        let images = try files.map { try PixelImage(contentsOf: URL(filePath: $0)) }
        let explanations = try explainer.explain(images, classIndex: 4)
        #expect(values["maps"]?.shape == [2, 10, 10])
        #expect(values.floats("maps") == explanations.flatMap(\.map.values))
        #expect(values["maps.resized"]?.shape == [2, 28, 28])
        #expect(try values.floats("maps.resized") == explanations.flatMap { try $0.mapOfInput().values })
        #expect(values["input"]?.shape == [2, 1, 28, 28])
        #expect(try values.floats("input") == images.flatMap { try explainer.input($0) })
        #expect(values["classes"]?.integers == [4, 4])
        #expect(values.floats("scores") == explanations.map(\.score))
        #expect(values.floats("probabilities") == explanations.flatMap(\.prediction.probabilities))

        let picture = try PixelImage(contentsOf: folder.appending(path: "p.png"))
        // Two rows of two images, enlarged to 168 pixels, or 160 of 40.
        #expect(picture.width > 2 * 168 && picture.height > 168 + 160)
        let other = await apus(
            ["explain", "-c", run] + files + ["--class", "3", "-o", "\(tree.path)/q.png"])
        #expect(other.status == .success)
        #expect(try PixelImage(contentsOf: folder.appending(path: "q.png")) != picture)
    }

    @Test("Images of a dataset go by their numbers, by default those of the data that was trained on")
    func dataset() async throws {
        let tree = try ImageTree()
        let (run, _, folder) = try await setUp(tree)
        let line = ["explain", "-c", run, "-o", "\(tree.path)/p.png", "--values", "\(tree.path)/v.npz"]
        let outcome = await apus(line + ["--index", "7,0-2"])
        #expect(outcome.status == .success)
        let test = try DatasetSpecification(parsing: "synthetic=300").loadTest()
        let explainer = try explainer(run)
        let expected = try [7, 0, 1, 2].map { try explainer.input(test.image($0)) }
        #expect(try folder.tensors("v.npz").floats("input") == expected.flatMap(\.self))
        for (index, row) in zip([7, 0, 1, 2], outcome.output.split(separator: "\n").dropFirst(2)) {
            #expect(row.hasPrefix("synthetic \(index)   \(test.classNames[test.label(of: index)])"))
        }
        let named = await apus(line + ["--index", "7,0-2", "--data", "synthetic=300"])
        #expect(named.output == outcome.output)
        let beyond = await apus(line + ["--index", "50"])
        #expect(beyond.status == .failure)
        #expect(beyond.errors.contains("--index names image 50; synthetic=300 has 50 test images"))
        let many = await apus(line + ["--index", "0-100"])
        #expect(many.errors.contains("found 101 images, expected at most 100 at once"))
    }

    @Test(
        "Each method is asked for by its name",
        arguments: [
            ("saliency", [], "Saliency"),
            ("smoothgrad", ["--samples", "3", "--noise", "0.1", "--seed", "4"], "SmoothGrad"),
            ("occlusion", ["--window", "9", "--stride", "5x6", "--fill", "1"], "Occlusion"),
            ("grad-cam", ["--layer", "pool1"], "Grad-CAM at pool1"),
        ] as [(String, [String], String)])
    func methods(name: String, settings: [String], title: String) async throws {
        let tree = try ImageTree()
        let (run, _, folder) = try await setUp(tree)
        let line = ["explain", "-c", run, "--index", "0", "--method", name, "-o", "\(tree.path)/p.png"]
        let outcome = await apus(line + settings + ["--values", "\(tree.path)/v.npz"])
        #expect(outcome.status == .success && outcome.output.contains("explained by \(title), in "))
        let method: any ExplanationMethod =
            switch name {
            case "saliency": .saliency
            case "smoothgrad": .smoothGrad(samples: 3, noise: 0.1, seed: 4)
            case "occlusion":
                .occlusion(window: ImageSize(9), stride: ImageSize(height: 5, width: 6), fill: 1)
            default: .gradCAM(layer: "pool1")
            }
        let image = try DatasetSpecification(parsing: "synthetic=300").loadTest().image(0)
        let expected = try explainer(run).explain(image, by: method)
        #expect(try folder.tensors("v.npz").floats("maps") == expected.map.values)
        let other = name == "saliency" ? ["--samples", "2"] : ["--layer", "conv1"]
        if name != "grad-cam" {
            let refused = await apus(line + other)
            #expect(refused.status == .usage)
            #expect(refused.errors.contains("\(other[0]) does not go with --method \(name)"))
        }
    }

    @Test("What cannot be asked for is refused, with what there is")
    func refusals() async throws {
        let tree = try ImageTree()
        let (run, files, _) = try await setUp(tree)
        func errors(_ options: String...) async -> String {
            await apus(["explain", "-c", run, "-o", "\(tree.path)/p.png"] + options).errors
        }
        #expect(await errors().contains("<image>... or --index is required"))
        #expect(await errors(files[0], "--index", "1").contains("--index does not go with images in files"))
        #expect(await errors(files[0], "--data", "synthetic").contains("--data needs --index"))
        #expect(await errors("--index", "5-3").contains("must be numbers from 0 on, or ranges of them"))
        #expect(await errors("--index", "0", "--layer", "conv3").contains("did you mean conv1?"))
        #expect(
            await errors("--index", "0", "--layer", "fc1").contains("layer fc1 gives 120 numbers and no map"))
        #expect(
            await errors("--index", "0", "--class", "11").contains("found class 11, expected one of 0 to 9"))
        #expect(await errors("--index", "0", "--method", "cam").contains("Grad-CAM explains any network"))
        #expect(await errors("--index", "0", "--values", "v.txt").contains("cannot write v.txt"))
        #expect(
            await errors("--index", "0", "--method", "occlusion", "--fill", "3e38")
                .contains("--fill must be between -1000 and 1000"))
        #expect(!FileManager.default.fileExists(atPath: "\(tree.path)/p.png"))
    }

    @Test("No file that is read is written over, and no file is written twice")
    func outputs() async throws {
        let tree = try ImageTree()
        let (run, files, folder) = try await setUp(tree)
        let image = try Data(contentsOf: URL(filePath: files[0]))
        let link = folder.appending(path: "link.png")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(filePath: files[0]))
        let checkpoint = "\(run)/checkpoint.apus"
        for (name, output) in [
            ("--output", files[0]), ("--output", "\(tree.path)/./a.png"), ("--output", link.path),
            ("--output", checkpoint), ("--values", checkpoint),
        ] {
            let outcome = await apus("explain", "-c", run, tree.path, name, output)
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains("is read and was to be written"), "\(name) \(output)")
        }
        #expect(try Data(contentsOf: URL(filePath: files[0])) == image)
        let both = await apus(
            "explain", "-c", run, files[0], "-o", "\(tree.path)/x.npz", "--values", "\(tree.path)/./x.npz")
        #expect(both.status == .usage && both.errors.contains("--output and --values name the same file"))
    }

    @Test("A file that is no image is named; the others are explained")
    func badFile() async throws {
        let tree = try ImageTree()
        let (run, files, _) = try await setUp(tree)
        try tree.write(Data("text".utf8), to: "c.png")
        let outcome = await apus(
            "explain", "-c", run, tree.path + "/c.png", files[0], "-o", "\(tree.path)/p.png")
        #expect(outcome.status == .failure)
        #expect(outcome.errors.contains("\(tree.path)/c.png, byte 0: found"))
        #expect(outcome.output.contains("1 image explained by"))
        #expect(FileManager.default.fileExists(atPath: "\(tree.path)/p.png"))
    }
}
