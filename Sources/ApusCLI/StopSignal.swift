import Foundation
import Synchronization

/// Signals that ask the process to end: caught, so that work can be saved first.
enum StopSignal {
    private static let received = Atomic<Bool>(false)

    /// Whether a signal has come since `catching` began.
    static var isRequested: Bool { received.load(ordering: .relaxed) }

    /// Runs `body` while Ctrl-C, `kill` and a closed terminal are remembered and do nothing else, however
    /// often they come.
    static func catching<Result>(_ body: () throws -> Result) rethrows -> Result {
        received.store(false, ordering: .relaxed)
        let restore = [SIGINT, SIGTERM, SIGHUP].map { number in (number, previous: handle(number)) }
        defer { for (number, previous) in restore { signal(number, previous) } }
        return try body()
    }

    private static func handle(_ number: Int32) -> sig_t? {
        let previous = signal(number) { _ in StopSignal.received.store(true, ordering: .relaxed) }
        // `nohup` wants the closed terminal to be ignored.
        if number == SIGHUP, unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
            signal(number, previous)
        }
        return previous
    }
}
