import Foundation
import Synchronization

/// Tells people at a terminal, or readers of a log, how a run is going.
///
/// Lines are for good; below them, on a terminal, one line of progress is redrawn in place. In a log, long work has a line
/// of its own now and then. There is no colour, so `NO_COLOR` is met. It writes through a closure only, and takes the
/// time from one, so that whoever creates it decides about both.
public final class TerminalReporter: Sendable {
    public enum Mode: Sendable {
        /// Lines, and progress redrawn in place.
        case bar
        /// Lines only, without any control characters.
        case plain
        /// Nothing.
        case quiet
    }

    /// A stretch of work whose progress is shown.
    fileprivate struct Work {
        var label: String
        var unit: String
        var total: Int
        var completedBefore: Int
        var following: Int
        var startedAt: Double
        var drawnAt: Double?
    }

    public let mode: Mode
    private let columns: @Sendable () -> Int
    private let glyphs: ProgressBar.Glyphs
    private let now: @Sendable () -> Double
    private let sink: @Sendable (String) -> Void
    private let task = Mutex<Work?>(nil)

    /// The shortest time between two drawings of the same task.
    private static let secondsBetweenDrawings = 0.1
    /// The shortest time between two lines of a log that tell of the same task.
    private static let secondsBetweenLines = 30.0

    /// Clears the line and returns to its start.
    private static let clearLine = "\r\u{1B}[K"

    /// Creates a reporter.
    ///
    /// - Parameters:
    ///   - columns: The width of the terminal, in characters; asked for at each drawing, as it may change.
    ///   - now: A clock that never goes back, in seconds.
    ///   - sink: Takes the text, which holds its own line ends, and passes it on unbuffered.
    public init(
        mode: Mode, columns: @escaping @autoclosure @Sendable () -> Int = 80,
        glyphs: ProgressBar.Glyphs = .ascii,
        now: @escaping @Sendable () -> Double = { ProcessInfo.processInfo.systemUptime },
        sink: @escaping @Sendable (String) -> Void
    ) {
        self.mode = mode
        self.columns = columns
        self.glyphs = glyphs
        self.now = now
        self.sink = sink
    }

    /// Writes a line for good; the progress below it is drawn again when it next changes.
    public func line(_ text: String = "") {
        guard mode != .quiet else { return }
        task.withLock { task in
            let clear = mode == .plain || task?.drawnAt == nil ? "" : Self.clearLine
            if mode == .bar { task?.drawnAt = nil }
            sink(clear + text + "\n")
        }
    }

    /// Begins a stretch of work: `total` things of a kind, such as `images`.
    ///
    /// - Parameters:
    ///   - completed: things that were done before, and do not count for the rate.
    ///   - following: things of the same kind that other work after this one will be of.
    public func begin(
        _ label: String, total: Int, completed: Int = 0, following: Int = 0, unit: String
    ) {
        guard mode != .quiet else { return }
        let time = now()
        task.withLock { task in
            let drawnAt = task?.drawnAt
            task = Work(
                label: label, unit: unit, total: total, completedBefore: completed, following: following,
                startedAt: time, drawnAt: drawnAt)
            if mode == .bar {
                draw(&task, completed: completed, [], at: time)
            } else {
                task?.drawnAt = time
            }
        }
    }

    /// Tells how much of the work is done; redraws ten times a second at most, and writes two lines a minute to a log.
    ///
    /// - Parameter details: what else to tell; asked for when it is drawn.
    public func advance(to completed: Int, details: @autoclosure () -> [ProgressBar.Detail] = []) {
        guard mode != .quiet else { return }
        let time = now()
        task.withLock { task in
            let pause = mode == .bar ? Self.secondsBetweenDrawings : Self.secondsBetweenLines
            if let drawnAt = task?.drawnAt, time - drawnAt < pause { return }
            draw(&task, completed: completed, details(), at: time)
        }
    }

    /// Ends the work and clears its progress.
    public func end() {
        task.withLock { task in
            if mode == .bar, task?.drawnAt != nil { sink(Self.clearLine) }
            task = nil
        }
    }

    private func draw(
        _ task: inout Work?, completed: Int, _ details: [ProgressBar.Detail], at time: Double
    ) {
        guard let work = task else { return }
        let elapsed = time - work.startedAt
        let done = completed - work.completedBefore
        let perSecond = elapsed > 0 && done > 0 ? Double(done) / elapsed : nil
        let details = details + (perSecond.map { work.pace($0, completed: completed) } ?? [])
        let fraction = work.total > 0 ? Double(completed) / Double(work.total) : 0
        if mode == .bar {
            // Some terminals wrap already when the last column is written, and all write the `^C` of whoever
            // interrupts behind the bar.
            let bar = ProgressBar(columns: columns() - 3, glyphs: glyphs)
            sink(Self.clearLine + bar.render(fraction: fraction, label: work.label, details: details))
        } else {
            let text = [work.label, "\(Int(min(max(fraction, 0), 1) * 100))%"] + details.map(\.text)
            sink(text.joined(separator: "  ") + "\n")
        }
        task?.drawnAt = time
    }
}

extension TerminalReporter.Work {
    /// How fast it goes, and how long it will take: this work, and with it what follows.
    fileprivate func pace(_ perSecond: Double, completed: Int) -> [ProgressBar.Detail] {
        let rest = max(total - completed, 0)
        func time(_ things: Int) -> String { HumanText.duration(seconds: Double(things) / perSecond) }
        let details = [
            ProgressBar.Detail(HumanText.rate(perSecond, unit: unit), .extra),
            ProgressBar.Detail("\(time(rest)) left", .essential),
        ]
        guard following > 0 else { return details }
        return details + [ProgressBar.Detail("run \(time(rest + following))", .useful)]
    }
}

extension TerminalReporter {
    /// The mode that suits a file descriptor: a bar on a terminal that can move its cursor, else plain lines.
    public static func mode(
        forDescriptor descriptor: Int32, quiet: Bool,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Mode {
        if quiet { return .quiet }
        return isatty(descriptor) == 1 && environment["TERM"] != "dumb" ? .bar : .plain
    }

    /// The width of the terminal in characters: as the terminal says, else as `COLUMNS` says, else 80.
    public static func columns(
        forDescriptor descriptor: Int32,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Int {
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        if let columns = environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 { return columns }
        return 80
    }
}
