import ApusCLI
import ApusFormats
import Testing

@Suite("apus")
struct ApusProgramTests {
    @Test("Help and version are shown, and end well")
    func help() async {
        for line in [["--help"], ["help"], [], ["train", "--help"], ["help", "doctor"]] {
            let outcome = await apus(line)
            #expect(outcome.status == .success)
            #expect(outcome.output.contains("Usage: apus"))
        }
        #expect(await apus("--version").output == "apus \(ApusProgram.version)\n")
    }

    @Test("Every option of every command is explained with a sentence, in 80 columns")
    func options() async {
        for command in ApusProgram.program.commands {
            for option in command.specification.options {
                #expect(option.help.hasSuffix("."), "\(command.specification.name) \(option.spelling)")
            }
            let outcome = await apus(command.specification.name, "--help")
            #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
            #expect(outcome.output.contains("Examples:"))
        }
    }

    @Test("The examples of the helps are command lines that can be read")
    func examples() throws {
        let examples = ApusProgram.program.commands.flatMap { $0.specification.examples }
        for example in examples {
            let words = example.arguments.split(separator: " ").map(String.init)
            do {
                _ = try ApusProgram.program.parse(words)
            } catch is FileError {
                // Of a file that an example names, and is not here: the line has been read.
            }
        }
    }

    @Test("A command that is not there is refused with the nearest")
    func unknown() async {
        let outcome = await apus("evalute")
        #expect(outcome.status == .usage)
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.contains("did you mean 'evaluate'?"))
    }
}
