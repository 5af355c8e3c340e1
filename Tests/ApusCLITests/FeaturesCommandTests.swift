import ApusCLI
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("apus features")
struct FeaturesCommandTests {
    @Test("Writes the maps of layers for an image of the data that was trained on, a file for each layer")
    func dataset() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run").path
            #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
            let file = directory.appending(path: "maps.png")
            let one = await apus("features", "-c", run, "--index", "3", "-o", file.path)
            #expect(one.status == .success, "\(one.errors)")
            #expect(one.output.hasPrefix("conv1: Conv2D, 28x28x6, of synthetic 3: "))
            #expect(try PixelImage(contentsOf: file).channels == 3)

            let several = await apus(
                "features", "-c", run, "--index", "0", "-l", "relu*,fc3", "-o", file.path)
            #expect(several.output.split(separator: "\n").count == 6)
            for layer in ["relu1", "relu2", "relu3", "relu4", "fc3"] {
                _ = try PixelImage(contentsOf: directory.appending(path: "maps-\(layer).png"))
            }
        }
    }

    @Test("Writes the maps for a file of any size and colour, seen by a network with random weights")
    func file() async throws {
        let tree = try ImageTree()
        try tree.write(image: "photo.png", height: 40, width: 30, channels: 3, seed: 1)
        let output = tree.path + "/maps.png"
        let outcome = await apus(
            "features", tree.path + "/photo.png", "-m", "squeezenet1_1", "--input", "48x48x3", "-l",
            "features.3",
            "-n", "10", "-o", output)
        #expect(outcome.status == .success, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("features.3: Fire, "))
        #expect(try PixelImage(contentsOf: URL(filePath: output)).width > 100)
    }

    @Test("The image is not written over")
    func outputs() async throws {
        let tree = try ImageTree()
        // What the maps of relu2 would be called.
        let photo = tree.path + "/maps-relu2.png"
        try tree.write(image: "maps-relu2.png", height: 40, width: 30, channels: 3, seed: 1)
        let image = try Data(contentsOf: URL(filePath: photo))
        for options in [["-o", photo], ["-l", "relu*", "-o", tree.path + "/maps.png"]] {
            let outcome = await apus(["features", photo, "-m", "lenet5"] + options)
            #expect(outcome.status == .failure && outcome.errors.contains("is read and was to be written"))
        }
        #expect(try Data(contentsOf: URL(filePath: photo)) == image)
    }

    @Test("What is not there is refused, and so are two images")
    func refusals() async throws {
        let both = await apus("features", "a.png", "-m", "lenet5", "--index", "1")
        #expect(both.status == .usage && both.errors.contains("--index does not go with images in files"))
        let missing = await apus("features", "/nowhere.png", "-m", "lenet5")
        #expect(missing.status == .failure && missing.errors.contains("cannot open /nowhere.png"))
        let beyond = await apus("features", "-m", "lenet5", "-d", "synthetic=60", "--index", "10")
        #expect(beyond.errors.contains("--index names image 10; synthetic=60 has 10 test images"))
        for layers in [",", "", "relu1,"] {
            let none = await apus(
                "features", "-m", "lenet5", "-d", "synthetic=60", "--index", "0", "-l", layers)
            #expect(none.status == .usage && none.errors.contains("--layer must be names or patterns"))
        }
        let layer = await apus(
            "features", "-m", "lenet5", "-d", "synthetic=60", "--index", "0", "-l", "relu1,rleu2")
        #expect(layer.errors.contains("no layer is called rleu2; did you mean relu2?"))
        let data = await apus("features", "-m", "lenet5", "--index", "0")
        #expect(data.status == .usage && data.errors.contains("--data <dataset> is required"))
    }
}
