import Apus
import Foundation
import TestSupport
import Testing

@Suite("README")
struct ReadmeTests {
    @Test("the library example is the one that is compiled here")
    func isCompiled() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        let source = try String(
            contentsOf: root.appending(path: "Tests/ApusTests/ReadmeExample.swift"), encoding: .utf8)
        let example = try #require(source.split(separator: "    // example\n").last)
            .components(separatedBy: "    // end\n")[0]
            .replacingOccurrences(of: "dataset", with: "\"fashion-mnist\"")
            .split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix("    ") ? String($0.dropFirst(4)) : String($0) }
            .joined(separator: "\n")
        #expect(readme.contains(example))
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
