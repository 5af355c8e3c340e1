import Apus
import Foundation

/// A line on standard error, where that is a terminal: what is being measured, and how much is done.
struct ProgressLine {
    private let total: Int
    private let isShown: Bool
    private let start = ContinuousClock.now

    init(total: Int) {
        self.total = total
        isShown = TerminalReporter.mode(forDescriptor: STDERR_FILENO, quiet: false) == .bar
    }

    func show(_ name: String, done: Int) {
        let bar = ProgressBar(
            columns: TerminalReporter.columns(forDescriptor: STDERR_FILENO) - 1,
            glyphs: ProgressBar.Glyphs(environment: ProcessInfo.processInfo.environment))
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        write(
            bar.render(
                fraction: Double(done) / Double(total), label: "\(done + 1)/\(total) \(name)",
                rate: HumanText.duration(seconds: seconds)))
    }

    /// Makes room for a row of a table.
    func clear() { write("") }

    private func write(_ text: String) {
        guard isShown else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }
}
