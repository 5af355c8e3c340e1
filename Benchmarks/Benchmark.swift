import Apus
import BenchmarkResults

/// Something to measure.
protocol Benchmark {
    associatedtype Result: BenchmarkResult

    /// Its group, a slash, and what it is in there: what `--filter` looks at.
    var name: String { get }

    /// - Throws: `BenchmarkError` where the results are wrong and must not be timed.
    func run(_ effort: Effort) throws -> Result
}

/// What a benchmark came to: a row of its group's table.
protocol BenchmarkResult: Codable, Sendable {
    /// What all of the group's names begin with, and the heading of its table.
    static var group: String { get }
    static var title: String { get }
    static var columns: [String] { get }

    var name: String { get }
    /// What runs are compared by.
    var rates: [NamedRate] { get }
    /// A line above the row, where it begins a part of the table.
    func introduction(after previous: Self?) -> String?
    func cells(_ header: Report.Header, after previous: Self?) -> [String]
}

extension BenchmarkResult {
    func introduction(after previous: Self?) -> String? { nil }

    static func name(_ parts: String...) -> String { ([group] + parts).joined(separator: "/") }

    /// The name without its group.
    static func shortName(_ name: String) -> String { String(name.dropFirst(group.count + 1)) }
}

/// Results that must not be timed, or nothing to measure.
struct BenchmarkError: Error, CustomStringConvertible {
    let description: String
}
