import ApusCLI
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus predict")
struct PredictCommandTests {
    /// A trained run, and images in two folders of which one is below the other.
    private func setUp(_ tree: ImageTree) async throws -> (run: String, classifier: Classifier) {
        let run = tree.path + "/run"
        #expect(await apus(["train"] + quickRun + ["--output", run]).status == .success)
        try tree.write(image: "new/b.png", height: 30, width: 20, channels: 3, seed: 1)
        try tree.write(image: "new/a.PNG", seed: 2)
        try tree.write(image: "new/deep/c.png", seed: 3)
        try tree.write(Data("text".utf8), to: "new/notes.txt")
        try tree.write(image: "new/.hidden.png", seed: 4)
        return (run, try Classifier.load(from: RunFolder(at: URL(filePath: run)).checkpoint))
    }

    private func lines(_ text: String) -> [String] { text.split(separator: "\n").map(String.init) }

    @Test("A folder stands for the images in it and below, in order, a line of tabs for each")
    func tabs() async throws {
        let tree = try ImageTree()
        let (run, classifier) = try await setUp(tree)
        let outcome = await apus("predict", "--checkpoint", run, tree.path + "/new", "--top", "2")
        #expect(outcome.status == .success && outcome.errors.isEmpty)
        let expected = try ["a.PNG", "b.png", "deep/c.png"].map { name in
            let path = "\(tree.path)/new/\(name)"
            let prediction = try classifier.predict(files: [URL(filePath: path)])[0].get()
            let cells = prediction.best(2).map {
                "\(classifier.classNames[$0])\t\(prediction.probabilities[$0])"
            }
            return ([path] + cells).joined(separator: "\t")
        }
        let found = lines(outcome.output)
        func names(_ lines: [String]) -> [[Substring]] {
            lines.map { line in line.split(separator: "\t").filter { Double($0) == nil } }
        }
        #expect(names(found) == names(expected))
    }

    @Test("On a terminal the columns are aligned")
    func table() async throws {
        let tree = try ImageTree()
        let (run, _) = try await setUp(tree)
        let outcome = await apus(
            ["predict", "-c", run, tree.path + "/new", tree.path + "/new/deep/c.png", "--top=3"],
            isTerminal: true)
        let lines = lines(outcome.output)
        #expect(lines.count == 4)
        #expect(Set(lines.map(\.count)).count == 1)
        #expect(lines[2] == lines[3], "the same image, in the same words")
    }

    @Test("In JSON each image is an object, a bad one with its error, and the exit status is then 1")
    func badFile() async throws {
        let tree = try ImageTree()
        let (run, _) = try await setUp(tree)
        let (good, bad) = (tree.path + "/new/b.png", tree.path + "/new/notes.txt")
        let outcome = await apus("predict", "-c", run, bad, good, "--json", "--top", "10")
        #expect(outcome.status == .failure)
        #expect(outcome.errors.hasPrefix("apus: error: \(bad), byte 0: found"))
        let objects = try lines(outcome.output).map {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
        }
        #expect(objects.map { $0["file"] as? String } == [bad, good])
        #expect((objects[0]["error"] as? String)?.hasPrefix(bad) == true && objects[0]["predictions"] == nil)
        let predictions = try #require(objects[1]["predictions"] as? [[String: Any]])
        #expect(predictions.count == 10)
        let sum = predictions.compactMap { $0["probability"] as? Double }.reduce(0, +)
        #expect(abs(sum - 1) < 1e-5)

        let text = await apus("predict", "-c", run, good, bad)
        #expect(text.status == .failure && lines(text.output).count == 1)
    }

    @Test("What cannot be asked for is refused before anything is predicted")
    func refusals() async throws {
        let tree = try ImageTree()
        #expect(await apus("predict", "-c", tree.path).errors.contains("<image>... is required"))
        #expect(await apus("predict", "-c", tree.path, "-", "-").status == .usage)
        #expect(await apus("predict", "-c", tree.path, "a.png").errors.contains("holds no run"))
        let (run, _) = try await setUp(tree)
        try tree.write(Data(), to: "empty/notes.txt")
        let empty = await apus("predict", "-c", run, tree.path + "/empty")
        #expect(empty.status == .failure && empty.errors.contains("found no images"))
        let image = PixelImage.random(height: 9, width: 9, channels: 1, seed: 1)
        try tree.write(image.png(), to: "one.png")
        let both = await apus("predict", "-c", run, tree.path + "/empty", tree.path + "/one.png")
        #expect(both.status == .failure && both.errors.contains("found no images"))
        #expect(both.output.hasPrefix(tree.path + "/one.png"), "the others are predicted")
    }

    @Test(
        "An image may come on standard input", .enabled(if: ApusProcess.program != nil, "apus is not built"))
    func standardInput() async throws {
        let tree = try ImageTree()
        let (run, _) = try await setUp(tree)
        let folder = URL(filePath: tree.path)
        let piped = try ApusProcess(
            shell: "cat new/b.png | $APUS predict -c run - --json", in: folder
        ).finish()
        let named = await apus("predict", "-c", run, tree.path + "/new/b.png", "--json")
        #expect(piped.status == 0)
        #expect(piped.output == named.output.replacing("\(tree.path)/new/b.png", with: "-"))
    }
}
