import ApusCLI
import Foundation
import Testing

@Suite("The manual pages")
struct ManualTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Documentation/commands")

    @Test("are those of the commands as they are; if not, 'make manual' writes them")
    func upToDate() async throws {
        let names = ApusProgram.program.commands.map { $0.specification.name }
        for name in names + ["README"] {
            let line = ["help", "--markdown"] + (name == "README" ? [] : [name])
            let page = try String(
                contentsOf: Self.folder.appending(path: "\(name).md"), encoding: .utf8)
            #expect(await apus(line).output == page, "\(name).md")
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(files.sorted() == (names + ["README"]).map { "\($0).md" }.sorted())
    }

    @Test("say what the help says of every option and argument")
    func complete() throws {
        for command in ApusProgram.program.commands {
            let specification = command.specification
            let page = try #require(ApusProgram.program.manual(of: specification.name))
            for option in specification.options { #expect(page.contains("\(option.spelling)")) }
            for operand in specification.operands { #expect(page.contains(operand.spelling)) }
            for example in specification.examples { #expect(page.contains("apus \(example.arguments)\n")) }
        }
        #expect(ApusProgram.program.manual(of: "dance") == nil)
    }
}
