import ApusAnalysis
import ApusCLI
import Foundation
import TestSupport
import Testing

@Suite("apus statistics")
struct StatisticsCommandTests {
    @Test("The table has a row for each layer, and the JSON the same figures")
    func run() async throws {
        try await withTemporaryDirectory { directory in
            #expect(await apus(["train"] + quickRun + ["--output", directory.path]).status == .success)
            let outcome = await apus("statistics", "-c", directory.path, columns: 100)
            #expect(outcome.status == .success, "\(outcome.errors)")
            let lines = outcome.output.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= 100 || $0.contains(directory.path) })
            #expect(outcome.output.contains("on 50 test images of synthetic=300"))

            let json = await apus("statistics", "-c", directory.path, "--json")
            let statistics = try JSONDecoder().decode(
                ActivationStatistics.self, from: Data(json.output.utf8))
            #expect(statistics.images == 50)
            for layer in statistics.layers {
                let row = try #require(lines.first { $0.hasPrefix(layer.layer + " ") })
                let words = row.split(separator: " ").map(String.init)
                #expect(words[1] == layer.kind)
                #expect(Double(words[3]).map { abs($0 - layer.mean!) <= 0.005 * abs(layer.mean!) } == true)
                #expect(row.hasSuffix(layer.deadUnits.map { "\($0.count) of \(layer.units)" } ?? " %"))
            }
            let some = await apus("statistics", "-c", directory.path, "--json", "--images", "20")
            #expect(try some.json()["images"] as? Int == 20)
        }
    }

    @Test(
        "A model without a checkpoint sees images from -1 to 1, or as the command line says, and it is told")
    func normalization() async throws {
        try await withTemporaryDirectory { directory in
            let (image, output) = (["--index", "0"], ["-o", directory.appending(path: "picture.png").path])
            for command in [["statistics"], ["embed"] + output, ["features"] + image + output] {
                func text(_ options: String...) async -> String {
                    let outcome = await apus(
                        command + ["-m", "squeezenet1_1", "-i", "48x48x3", "-d", "synthetic=30"] + options,
                        columns: 300)
                    return outcome.words + outcome.errors
                }
                #expect(await text().contains("by the mean 0.5, 0.5, 0.5 and the deviation 0.5, 0.5, 0.5."))
                #expect(
                    await text("--mean", "0.485,0.456,0.406", "--deviation", "0.229,0.224,0.225").contains(
                        "by the mean 0.485, 0.456, 0.406 and the deviation 0.229, 0.224, 0.225."))
                #expect(await text("--mean", "0.2").contains("--mean and --deviation go together"))
            }
            func figures(_ options: String...) async throws -> ActivationStatistics {
                let outcome = await apus(
                    ["statistics", "-m", "lenet5", "-d", "synthetic=60", "--json"] + options)
                return try JSONDecoder().decode(ActivationStatistics.self, from: Data(outcome.output.utf8))
            }
            let plain = try await figures()
            #expect(try await figures("--mean", "0.5", "--deviation", "0.5") == plain)
            #expect(try await figures("--mean", "0.5", "--deviation", "0.25") != plain)
        }
    }

    @Test("Images are needed, and such as the network sees")
    func refusals() async {
        let none = await apus("statistics", "-m", "lenet5")
        #expect(none.status == .usage && none.errors.contains("--data <dataset> is required"))
        let folder = await apus("statistics", "-m", "lenet5", "-d", "folder=/nowhere")
        #expect(folder.status == .failure && folder.errors.contains("/nowhere"))
        #expect(
            await apus("statistics", "-m", "lenet5", "-d", "synthetic=60", "--images", "0").status == .usage)
    }
}
