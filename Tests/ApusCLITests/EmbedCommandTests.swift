import ApusAnalysis
import ApusCLI
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("apus embed")
struct EmbedCommandTests {
    @Test("Draws a point for each image, and tells the shares of variance")
    func run() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run").path
            #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
            let file = directory.appending(path: "plane.png")
            let outcome = await apus("embed", "-c", run, "-o", file.path, "--images", "30")
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(outcome.output.contains("30 test images of synthetic=300 by the 84 features of relu4"))
            #expect(try PixelImage(contentsOf: file).channels == 3)

            let json = await apus("embed", "-c", run, "-o", file.path, "--layer", "pool1", "--json")
            let embedding = try JSONDecoder().decode(FeatureEmbedding.self, from: Data(json.output.utf8))
            #expect(embedding.layer == "pool1" && embedding.features == 6 && embedding.points.count == 50)
            let (first, second) = (embedding.varianceShares[0], embedding.varianceShares[1])
            #expect(1 >= first && first >= second && second > 0)
        }
    }

    @Test("Too few images, a layer that is not there and a layer of one feature are refused")
    func refusals() async {
        let few = await apus("embed", "-m", "lenet5", "-d", "synthetic=600", "--images", "2")
        #expect(few.status == .failure && few.errors.contains("found 2 images, expected at least 3"))
        let layer = await apus("embed", "-m", "lenet5", "-d", "synthetic=60", "--layer", "fc9")
        #expect(layer.errors.contains("no layer is called fc9; did you mean fc1?"))
        let one = await apus("embed", "-m", "lenet5+fc1=1", "-d", "synthetic=60", "--layer", "fc1.0")
        #expect(one.status == .failure)
        #expect(one.errors.contains("layer fc1.0 has 1 feature, expected at least 2"))
    }
}
