import CAllocationCounter
import Foundation

/// Calls of `malloc` and its like, on all threads of the process.
enum Allocations {
    /// Whether they can be counted here: deliberate ones were.
    static let areCounted = apus_allocation_counter_works()

    static func start() { apus_start_counting_allocations() }

    /// The allocations since `start`.
    static func stop() -> Int { apus_stop_counting_allocations() }
}

/// The most memory the process has held at once since a moment: code, images and whatever else it keeps included.
///
/// Memory that earlier benchmarks have freed is given back first. Linux alone can begin anew.
struct PeakMemory {
    private let isReset: Bool

    /// Begins anew.
    init() {
        apus_return_freed_memory()
        // Since Linux 4.0: `5` sets the peak to what is held now.
        let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs")
        isReset = (try? file?.write(contentsOf: Data("5".utf8))) != nil
    }

    /// The peak since, in bytes, where the system says.
    var bytes: Int? {
        guard isReset, let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        return kibibytes << 10
    }
}
