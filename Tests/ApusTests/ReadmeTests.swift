import Apus
import Foundation
import TestSupport
import Testing

@Suite("README")
struct ReadmeTests {
    @Test("the library examples are those that are compiled here")
    func isCompiled() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let source = try String(
            contentsOf: root.appending(path: "Tests/ApusTests/ReadmeExample.swift"), encoding: .utf8)
        let examples = source.components(separatedBy: "    // example\n").dropFirst()
        #expect(examples.count == 3)
        for example in examples {
            let text = example.components(separatedBy: "    // end\n")[0]
                .replacingOccurrences(of: "dataset", with: "\"fashion-mnist\"")
                .split(separator: "\n", omittingEmptySubsequences: false)
                .map { $0.hasPrefix("    ") ? String($0.dropFirst(4)) : String($0) }
                .joined(separator: "\n")
            #expect(readme.contains(text))
        }
    }

    @Test("the example of a run follows it, keeps it, and answers from many tasks")
    func follows() async throws {
        let folder = try TemporaryFolder()
        let data = try DatasetSpecification(parsing: "synthetic=200").load()
        let trainer = try Trainer(
            Classifier(LeNet5(), for: data, seed: 1), on: data, TrainingConfiguration(epochs: 2))
        let images = try (0..<20).map { try data.test.image($0) }
        let (answers, inOrder) = try await followReadmeRun(trainer, folder: folder.url, images: images)
        #expect(trainer.isComplete)
        #expect(try RunFolder.existing(at: folder.url).keptEpochs == [1, 2])
        func counts(_ predictions: [Classifier.Prediction]) -> [Int] {
            predictions.map(\.classIndex).sorted()
        }
        #expect(counts(answers) == counts(inOrder))
    }

    @Test("the library example learns, answers, saves and loads")
    func runs() throws {
        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "lenet5.apus")
        let (report, saved, loaded) = try runReadmeExample(dataset: "synthetic=2000", file: file)
        #expect(report.accuracy > 0.5)
        #expect(saved.network.parameterBlock.array == loaded.network.parameterBlock.array)
    }
}
