import Foundation
import Synchronization

/// Signals that ask the process to end: caught, so that work can be saved first.
enum StopSignal {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP]
    private static let received = Atomic<Bool>(false)
    private static let isQuiet = Atomic<Bool>(false)

    /// Whether a signal has come since `catching` began.
    static var isRequested: Bool { received.load(ordering: .relaxed) }

    /// Runs `body` while Ctrl-C, `kill` and a closed terminal are remembered, answered with a line on standard
    /// error unless `quietly`, and do nothing else, however often they come.
    static func catching<Result>(quietly: Bool, _ body: () throws -> Result) rethrows -> Result {
        received.store(false, ordering: .relaxed)
        isQuiet.store(quietly, ordering: .relaxed)
        let restore = numbers.map { number in (number, previous: handle(number)) }
        defer { for (number, previous) in restore { signal(number, previous) } }
        return try body()
    }

    /// Lets the signals through where the caller has blocked them, as threads of Dispatch do for all processes
    /// that they start.
    static func unblock() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    private static func handle(_ number: Int32) -> sig_t? {
        let previous = signal(number) { _ in StopSignal.receive() }
        // `nohup` wants the closed terminal to be ignored.
        if number == SIGHUP, isSame(previous, SIG_IGN) { signal(number, previous) }
        return previous
    }

    /// What a handler may do: it calls nothing that allocates or locks.
    private static func receive() {
        guard !received.exchange(true, ordering: .relaxed), !isQuiet.load(ordering: .relaxed) else { return }
        let code = errno
        // A terminal may be in the middle of a line, with a progress bar and the `^C` that was typed.
        let text: StaticString =
            isatty(STDERR_FILENO) == 1
            ? "\nstopping after this step and saving...\n" : "stopping after this step and saving...\n"
        _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
        errno = code
    }

    /// Compares addresses, which functions in Swift have none of.
    private static func isSame(_ a: sig_t?, _ b: sig_t?) -> Bool {
        withUnsafeBytes(of: a) { a in withUnsafeBytes(of: b) { a.elementsEqual($0) } }
    }
}
