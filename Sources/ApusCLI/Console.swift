import ApusFormats
import ApusTraining
import Foundation
import Synchronization

/// Where a command's words go, and what is known of who reads them.
package struct Console: Sendable {
    /// The program as it was called, for command lines that are to be typed.
    let programName: String
    private let width: @Sendable () -> Int
    let isTerminal: Bool
    private let glyphs: ProgressBar.Glyphs
    private let output: any TextSink
    private let errors: any TextSink

    package init(
        programName: String = "apus", columns: @escaping @autoclosure @Sendable () -> Int = 80,
        isTerminal: Bool = false,
        glyphs: ProgressBar.Glyphs = .ascii, output: any TextSink, errors: any TextSink
    ) {
        self.programName = programName
        width = columns
        self.isTerminal = isTerminal
        self.glyphs = glyphs
        self.output = output
        self.errors = errors
    }

    /// The process's own standard output and standard error.
    package static func standard(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Console {
        let mode = TerminalReporter.mode(
            forDescriptor: STDOUT_FILENO, quiet: false, environment: environment)
        return Console(
            programName: RunFolder.typed(CommandLine.arguments[0]).quotedForShell,
            columns: TerminalReporter.columns(forDescriptor: STDOUT_FILENO, environment: environment),
            isTerminal: mode == .bar, glyphs: ProgressBar.Glyphs(environment: environment),
            output: DescriptorSink(STDOUT_FILENO, name: "standard output"),
            errors: DescriptorSink(STDERR_FILENO, name: "standard error"))
    }

    /// The width of the terminal, in characters, as it is now.
    package var columns: Int { width() }

    /// The width that tables are laid out for.
    var tableColumns: Int { max(columns, 80) }

    /// Why the output has been cut short, if it has.
    var outputFailure: FileError? { output.failure }

    /// Writes a text, which holds its own line ends, to the output.
    func write(_ text: String) { output.write(text) }

    /// Writes a text to where errors go.
    func complain(_ text: String) { errors.write(text) }

    /// A reporter on the output: with a bar on a terminal, with lines alone elsewhere.
    func reporter(quiet: Bool) -> TerminalReporter {
        TerminalReporter(
            mode: quiet ? .quiet : isTerminal ? .bar : .plain, columns: columns, glyphs: glyphs,
            sink: write)
    }
}

/// Takes text.
package protocol TextSink: Sendable {
    func write(_ text: String)
    /// The first failure to write, if there was one.
    var failure: FileError? { get }
}

/// Text for a file descriptor; after a failure nothing more is written.
private final class DescriptorSink: TextSink {
    private let descriptor: Int32
    private let name: String
    private let firstFailure = Mutex<FileError?>(nil)

    init(_ descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    var failure: FileError? { firstFailure.withLock { $0 } }

    func write(_ text: String) {
        firstFailure.withLock { failure in
            guard failure == nil else { return }
            do {
                try AtomicFile.write(Data(text.utf8), to: descriptor, path: name)
            } catch {
                failure = error as? FileError
            }
        }
    }
}
