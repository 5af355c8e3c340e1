import ApusCLI
import ApusFormats
import Foundation
import Synchronization

/// What a command line came to, run inside the test's process.
struct Outcome {
    var status: ExitCode
    var output: String
    var errors: String

    /// The output's words, wherever its lines end.
    var words: String { output.split(whereSeparator: \.isWhitespace).joined(separator: " ") }

    /// The output as a JSON object.
    func json() throws -> [String: Any] {
        try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any] ?? [:]
    }
}

/// Runs a command line of `apus`, without the program's name.
func apus(_ arguments: String..., columns: Int = 80) async -> Outcome {
    await apus(arguments, columns: columns)
}

func apus(
    _ arguments: [String], columns: Int = 80, isTerminal: Bool = false, programName: String = "apus"
) async -> Outcome {
    let (output, errors) = (TextStore(), TextStore())
    let console = Console(
        programName: programName, columns: columns, isTerminal: isTerminal, output: output, errors: errors)
    let status = ApusProgram.run(arguments, on: console)
    return Outcome(status: status, output: output.text, errors: errors.text)
}

/// Keeps what is written.
private final class TextStore: TextSink {
    private let texts = Mutex("")

    var text: String { texts.withLock { $0 } }
    var failure: FileError? { nil }

    func write(_ text: String) { texts.withLock { $0 += text } }
}

/// `apus` as a process of its own: the product that was built beside the tests.
struct ApusProcess {
    private let process = Process()
    private let output = Pipe()
    private let errors = Pipe()

    static var program: URL? {
        let tests = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        let folders = sequence(first: tests.deletingLastPathComponent()) { $0.deletingLastPathComponent() }
        return folders.prefix(5).map { $0.appending(path: "apus") }.first {
            FileManager.default.isExecutableFile(atPath: $0.path)
                && (try? $0.resourceValues(forKeys: [.isRegularFileKey]))?.isRegularFile == true
        }
    }

    /// Starts `command`, a line for `sh` in which `$APUS` is the program.
    init(shell command: String, in directory: URL) throws {
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", command]
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["APUS": Self.program?.path ?? "apus"]) { _, new in new }
        process.currentDirectoryURL = directory
        process.standardOutput = output
        process.standardError = errors
        try process.run()
    }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end.
    func finish() -> (status: Int32, output: String, errors: String) {
        // Little is written: it fits into the pipes.
        process.waitUntilExit()
        func text(_ pipe: Pipe) -> String {
            String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
        let killed = process.terminationReason == .uncaughtSignal
        return (killed ? -process.terminationStatus : process.terminationStatus, text(output), text(errors))
    }
}
