/// What the process tells its caller when it ends.
package enum ExitCode: Int32, Sendable {
    case success = 0
    case failure = 1
    /// All went well, and what was compared differs.
    case difference = 2
    /// The command line was wrong: `EX_USAGE` of BSD's `sysexits.h`.
    case usage = 64
    /// A signal asked to stop: what shells report of a process that Ctrl-C has ended.
    case interrupted = 130
    /// Nobody reads the output any more: what shells report of a process that a closed pipe has ended.
    case brokenPipe = 141
}
