import ApusCLI
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("apus report")
struct ReportCommandTests {
    private func contents(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

    @Test("A run leaves its page, and the command writes the same of its checkpoint")
    func again() async throws {
        try await withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory)
            let trained = await apus(["train"] + quickRun + ["--output", folder.path])
            #expect(trained.output.contains(folder.report.path))
            let first = try contents(folder.report)
            try FileManager.default.removeItem(at: folder.report)
            let outcome = await apus("report", folder.path)
            #expect(outcome.status == .success && outcome.errors.isEmpty)
            #expect(outcome.output.hasSuffix("checkpoint.apus: after 2 epochs, in \(folder.report.path)\n"))
            // But for when it was written, and what the checkpoint does not know.
            func course(_ page: String) -> Substring? {
                page.split(separator: "<section>").first { $0.contains("Course of the run") }
            }
            func mistakes(_ page: String) -> Substring? {
                page.split(separator: "<section>").first { $0.contains("Worst mistakes") }
            }
            let second = try contents(folder.report)
            #expect(course(first) != nil && course(first) == course(second))
            #expect(mistakes(first) != nil && mistakes(first) == mistakes(second))
            #expect(second.contains("Complete after 2 epochs."))
        }
    }

    @Test("The command in the page repeats the run, to the bit")
    func repetition() async throws {
        try await withTemporaryDirectory { directory in
            let folder = RunFolder(at: directory.appending(path: "one"))
            let line = ["train"] + quickRun + ["--seed", "5", "--optimizer", "sgd", "--nesterov"]
            #expect(await apus(line + ["--output", folder.path]).status == .success)
            let page = try contents(folder.report)
            let command = try #require(page.firstMatch(of: #/<pre[^>]*>apus ([^<]*)</pre>/#)).output.1
            let words = command.split(separator: " ").map(String.init)
            #expect(words.first == "train" && words.contains("--nesterov"))
            #expect(await apus(words).status == .success)
            let other = RunFolder(at: directory.appending(path: "one-again"))
            #expect(
                try Checkpoint(contentsOf: other.checkpoint).bits
                    == Checkpoint(contentsOf: folder.checkpoint).bits)
        }
    }

    @Test("What is no run is refused")
    func noRun() async throws {
        try await withTemporaryDirectory { directory in
            let outcome = await apus("report", directory.path)
            #expect(outcome.status == .failure)
            #expect(outcome.errors.contains("holds no run"))
            #expect(await apus("report").status == .usage)
        }
    }
}
