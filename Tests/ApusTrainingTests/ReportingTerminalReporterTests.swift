import ApusTraining
import Foundation
import Synchronization
import Testing

/// A reporter's surroundings: a clock set by hand, and what was written.
private final class Terminal: Sendable {
    private let time = Mutex(0.0)
    private let width = Mutex(80)
    private let texts = Mutex<[String]>([])

    func reporter(_ mode: TerminalReporter.Mode) -> TerminalReporter {
        TerminalReporter(
            mode: mode, columns: self.width.withLock { $0 }, now: { self.time.withLock { $0 } },
            sink: { text in self.texts.withLock { $0.append(text) } })
    }

    func resize(columns: Int) { width.withLock { $0 = columns } }

    func pass(seconds: Double) { time.withLock { $0 += seconds } }

    /// What was written since the last call.
    func written() -> [String] {
        texts.withLock { texts in
            defer { texts = [] }
            return texts
        }
    }
}

private let clear = "\r\u{1B}[K"

@Suite("Terminal reporter")
struct ReportingTerminalReporterTests {
    @Test("Progress is redrawn in place with rate and remaining time")
    func progress() {
        let terminal = Terminal()
        let reporter = terminal.reporter(.bar)
        reporter.begin("Epoch 1/2", total: 1000, unit: "images")
        #expect(terminal.written() == [clear + "Epoch 1/2 [>---------------------------------------]   0%"])
        terminal.pass(seconds: 2)
        reporter.advance(to: 250)
        let drawn = terminal.written()
        #expect(drawn.count == 1)
        #expect(drawn.first?.hasPrefix(clear + "Epoch 1/2 [====") == true)
        #expect(drawn.first?.hasSuffix("]  25%  125 images/s  6.0s left") == true)
        reporter.end()
        #expect(terminal.written() == [clear])
    }

    @Test("Of work that more follows the time of all is told, and beside the pace what else there is to say")
    func following() {
        let terminal = Terminal()
        terminal.resize(columns: 130)
        let reporter = terminal.reporter(.bar)
        reporter.begin("Epoch 1/4", total: 1000, following: 3000, unit: "images")
        terminal.pass(seconds: 2)
        reporter.advance(to: 250, details: [.init("loss 0.421", .essential)])
        #expect(
            terminal.written().last?.hasSuffix("]  25%  loss 0.421  125 images/s  6.0s left  run 30s") == true
        )
    }

    @Test("A log has a line about long work every half a minute, without control characters")
    func longWorkInALog() {
        let terminal = Terminal()
        let reporter = terminal.reporter(.plain)
        reporter.begin("Epoch 1/2", total: 1000, following: 1000, unit: "images")
        for step in 1...1000 {
            terminal.pass(seconds: 0.1)
            reporter.advance(to: step, details: [.init("loss 0.421", .essential)])
        }
        reporter.end()
        let lines = terminal.written()
        #expect(lines.count == 3)
        #expect(lines.first == "Epoch 1/2  30%  loss 0.421  10.0 images/s  1m 10s left  run 2m 50s\n")
    }

    @Test("A bar leaves room for ^C in the terminal as wide as it is now", arguments: [200, 60, 40, 20])
    func resizing(columns: Int) {
        let terminal = Terminal()
        let reporter = terminal.reporter(.bar)
        reporter.begin("Epoch with a label of some length 1/2", total: 1000, unit: "images")
        _ = terminal.written()
        terminal.resize(columns: columns)
        terminal.pass(seconds: 1)
        reporter.advance(to: 500)
        let drawn = terminal.written().joined().dropFirst(clear.count)
        #expect(drawn.hasPrefix("Epoch with a lab"))
        #expect(drawn.count + "^C".count < columns)
    }

    @Test("Progress is drawn ten times a second at most")
    func throttling() {
        let terminal = Terminal()
        let reporter = terminal.reporter(.bar)
        reporter.begin("Epoch", total: 1000, unit: "images")
        for step in 1...1000 {
            terminal.pass(seconds: 0.001)
            reporter.advance(to: step)
        }
        #expect((9...11).contains(terminal.written().count))
    }

    @Test("A line takes the place of the progress, which follows below it")
    func lineAmidProgress() {
        let terminal = Terminal()
        let reporter = terminal.reporter(.bar)
        reporter.line("before")
        #expect(terminal.written() == ["before\n"])
        reporter.begin("Epoch", total: 10, unit: "images")
        _ = terminal.written()
        reporter.line("amid")
        #expect(terminal.written() == [clear + "amid\n"])
        reporter.advance(to: 1)
        #expect(terminal.written().count == 1)
    }

    @Test("Progress that was never begun, or has ended, is not drawn")
    func noWork() {
        let terminal = Terminal()
        let reporter = terminal.reporter(.bar)
        reporter.advance(to: 1)
        reporter.end()
        #expect(terminal.written().isEmpty)
        reporter.begin("Epoch", total: 0, unit: "images")
        reporter.end()
        #expect(terminal.written().count == 2)
        terminal.pass(seconds: 1)
        reporter.advance(to: 1)
        #expect(terminal.written().isEmpty)
    }

    @Test("Plain reporting has lines and no progress, quiet reporting has nothing")
    func modes() {
        for (mode, expected) in [(TerminalReporter.Mode.plain, ["line\n"]), (.quiet, [])] {
            let terminal = Terminal()
            let reporter = terminal.reporter(mode)
            reporter.begin("Epoch", total: 10, unit: "images")
            reporter.line("line")
            terminal.pass(seconds: 1)
            reporter.advance(to: 5)
            reporter.end()
            #expect(terminal.written() == expected)
        }
    }

    @Test("A pipe gets plain lines, a quiet run nothing, and COLUMNS sets the width of what is no terminal")
    func pipe() {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        #expect(TerminalReporter.mode(forDescriptor: descriptor, quiet: false) == .plain)
        #expect(TerminalReporter.mode(forDescriptor: descriptor, quiet: true) == .quiet)
        #expect(TerminalReporter.columns(forDescriptor: descriptor, environment: ["COLUMNS": "132"]) == 132)
        #expect(TerminalReporter.columns(forDescriptor: descriptor, environment: ["COLUMNS": "wide"]) == 80)
        #expect(TerminalReporter.columns(forDescriptor: descriptor, environment: [:]) == 80)
    }

    @Test(
        "A terminal gets a bar, unless it is dumb",
        .enabled(if: FileManager.default.isWritableFile(atPath: "/dev/ptmx")))
    func terminal() throws {
        let descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        #expect(TerminalReporter.mode(forDescriptor: descriptor, quiet: false, environment: [:]) == .bar)
        let dumb = ["TERM": "dumb"]
        #expect(TerminalReporter.mode(forDescriptor: descriptor, quiet: false, environment: dumb) == .plain)
    }
}
