import ApusCLI
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("apus filters")
struct FiltersCommandTests {
    @Test("Writes the filters of a run's first convolution, or of another, as a sheet")
    func run() async throws {
        try await withTemporaryDirectory { directory in
            let run = directory.appending(path: "run").path
            #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
            let file = directory.appending(path: "filters.png")
            let first = await apus("filters", "--checkpoint", run, "--output", file.path)
            #expect(first.status == .success, "\(first.errors)")
            #expect(first.output.hasPrefix("conv1.weight of "))
            #expect(first.output.contains("6 filters of 5x5 on 1 channel, all on one scale, in"))
            let sheet = try PixelImage(contentsOf: file)
            // Six in a row, each pixel 16 times as large.
            #expect(sheet.width > 6 * 80 && sheet.height > 80)

            let second = await apus(
                "filters", "-c", run, "-l", "conv2", "--scale", "each", "-o", file.path)
            #expect(second.output.contains("16 filters of 5x5 on 6 channels, each on its own scale, in"))
            #expect(try PixelImage(contentsOf: file) != sheet)
        }
    }

    @Test("Shows a model of the catalogue with random weights")
    func randomWeights() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appending(path: "filters.png")
            let outcome = await apus(
                "filters", "-m", "squeezenet1_1", "-o", file.path)
            #expect(outcome.status == .success, "\(outcome.errors)")
            #expect(outcome.output.contains("64 filters of 3x3 on 3 channels"))
            let sheet = try PixelImage(contentsOf: file)
            #expect(sheet.channels == 3)
        }
    }

    @Test("What has no filters, or is not there, is refused")
    func refusals() async throws {
        #expect(await apus("filters").errors.contains("--checkpoint <path> or --model <name> is required"))
        let both = await apus("filters", "-c", "run", "-m", "lenet5")
        #expect(
            both.status == .usage && both.errors.contains("--model is for a network without --checkpoint"))
        let missing = await apus("filters", "-c", "/nowhere/at.all")
        #expect(missing.status == .failure && missing.errors.contains("cannot open /nowhere/at.all"))
        let linear = await apus("filters", "-m", "lenet5", "-l", "fc1")
        #expect(
            linear.errors.contains(
                "layer fc1 is a Linear, which has no filters; convolutions are conv1, conv2"))
        let unknown = await apus("filters", "-m", "lenet5", "-l", "cnov1")
        #expect(unknown.errors.contains("no layer is called cnov1; did you mean conv1?"))
        let folder = await apus("filters", "-m", "lenet5", "-o", "/nowhere/filters.png")
        #expect(folder.status == .failure && folder.errors.contains("/nowhere/"))
        #expect(await apus("filters", "-m", "lenet5", "--scale", "some").status == .usage)
    }
}
