import Apus
import ApusCLI
import BenchmarkResults
import Foundation

/// What to measure, as the command line says.
struct BenchmarkRun {
    private static let filter = Option<String?>(
        "filter", "texts", absent: "everything",
        help: "Run what has one of these texts, divided by commas, in its name.")
    private static let batch = Option<Int?>(
        "batch", "n", absent: "1, 8, 32, 64, 128 and 256", .atLeast(1), help: "Images of a network's batch.")
    private static let threads = Option<Int?>(
        "threads", "n", absent: "1, 2, 4 and so on to all usable", .atLeast(1),
        help: "Threads of a network.")
    private static let rounds = Option(
        "rounds", "n", default: 7, .atLeast(1), help: "Rounds of each measurement.")
    private static let seconds = Option(
        "seconds", "s", default: 0.25, .above(0),
        help: "About how long a round takes; what takes longer in one go has three rounds.")
    private static let list = Flag("list", help: "Print the names, and measure nothing.")
    private static let json = Flag("json", help: "Print JSON in place of the tables.")
    private static let save = Option<String?>(
        "save", "file", help: "Write the JSON to a file too: a baseline for --compare.")
    private static let compare = Option<String?>(
        "compare", "file",
        help: """
            Compare medians with those of an earlier --save or --json; end with status 1 where one is lower, twice in \
            a row, by more than noise: half of both spreads, and at least 5 %.
            """)

    static let specification = CommandSpecification(
        "apus-benchmarks",
        abstract: """
            Measures what the machine can do, every convolution of the networks, augmentation, whole networks, how \
            their cost grows, and whole epochs.
            """,
        options: [filter, batch, threads, rounds, seconds, list, json, save, compare],
        examples: [
            Example("--filter network/lenet5/train --batch 64", "Time the training of LeNet-5 alone."),
            Example("--filter roof,growth --save before.json", "Measure two groups, and keep the results."),
            Example(
                "--filter roof,growth --compare before.json", "Measure again: has anything become slower?"),
        ])

    private let filter: [String]?
    private let batchSizes: [Int]
    private let threads: [Int]
    private let effort: Effort
    private let listsNames: Bool
    private let writesJSON: Bool
    private let saved: String?
    private let baseline: String?

    init(_ arguments: ParsedArguments) {
        filter = arguments[Self.filter]?.split(separator: ",").map(String.init)
        batchSizes = arguments[Self.batch].map { [$0] } ?? [1, 8, 32, 64, 128, 256]
        threads = arguments[Self.threads].map { [$0] } ?? Self.threadCounts(upTo: Machine.usableThreads)
        effort = Effort(rounds: arguments[Self.rounds], seconds: arguments[Self.seconds])
        listsNames = arguments[Self.list]
        writesJSON = arguments[Self.json]
        saved = arguments[Self.save]
        baseline = arguments[Self.compare]
    }

    /// Powers of two, and `most`.
    private static func threadCounts(upTo most: Int) -> [Int] {
        var counts = [1]
        while counts[counts.count - 1] * 2 < most { counts.append(counts[counts.count - 1] * 2) }
        return most > 1 ? counts + [most] : counts
    }

    /// Measures, and prints each row of the tables when it is there.
    func run() throws -> ExitCode {
        let roofs = wanted(RoofBenchmark.all(threads: threads))
        let convolutions = wanted(try ConvolutionBenchmark.all())
        let augmentations = wanted(AugmentationBenchmark.all())
        let networks = wanted(NetworkBenchmark.all(batchSizes: batchSizes, threads: threads))
        let growth = wanted(GrowthBenchmark.all(threads: threads))
        let epochs = wanted(EpochBenchmark.all(threads: threads.max() ?? 1))
        let names =
            roofs.map(\.name) + convolutions.map(\.name) + augmentations.map(\.name)
            + networks.map(\.name) + growth.map(\.name) + epochs.map(\.name)
        guard !names.isEmpty else {
            throw BenchmarkError(
                description: "no benchmark has '\(filter?.joined(separator: "' or '") ?? "")' in its name")
        }
        if listsNames {
            write(names.joined(separator: "\n"))
            return .success
        }
        // What is wrong with the files is better known now than after minutes.
        let earlier = try baseline.map(Report.init(contentsOf:))
        if let earlier, !earlier.rates.contains(where: { rate in names.contains { rate.name.hasPrefix($0) } })
        {
            throw BenchmarkError(description: "the baseline has measured none of what is to be run")
        }
        try checkFolder()

        let session = BenchmarkSession(
            header: Report.Header(threads: threads.max() ?? 1), effort: effort,
            baseline: earlier?.rates ?? [], total: names.count,
            write: writesJSON ? { _ in } : write)
        try session.measure(roofs, \.roofs)
        try session.measure(convolutions, \.convolutions)
        try session.measure(augmentations, \.augmentations)
        try session.measure(networks, \.networks)
        try session.measure(growth, \.growth)
        try session.measure(epochs, \.epochs)

        let json = try session.report.json()
        if writesJSON { write(json) }
        if let saved { try AtomicFile.write(Data(json.utf8), to: URL(fileURLWithPath: saved)) }
        return earlier.map { compare($0, session.report) } ?? .success
    }

    private func checkFolder() throws {
        guard let saved else { return }
        let folder = URL(fileURLWithPath: saved).deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: folder) else {
            throw BenchmarkError(description: "\(folder), where \(saved) is to lie, cannot be written to")
        }
    }

    private func wanted<B: Benchmark>(_ benchmarks: [B]) -> [B] {
        guard let filter else { return benchmarks }
        return benchmarks.filter { benchmark in filter.contains { benchmark.name.contains($0) } }
    }

    /// The comparison goes where errors go if JSON has the output.
    private func compare(_ earlier: Report, _ report: Report) -> ExitCode {
        let comparison = Comparison(before: earlier.rates, after: report.rates)
        var text = "\n\(comparison.text)\n"
        if let difference = report.header.difference(from: earlier.header) {
            text += "The baseline is of another machine or build: \(difference).\n"
        }
        let output = writesJSON ? FileHandle.standardError : FileHandle.standardOutput
        output.write(Data(text.utf8))
        return comparison.isRegression ? .failure : .success
    }

    /// Unbuffered, so that a row is seen when it is measured, in a pipe too.
    private func write(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }
}

/// One run over the groups of benchmarks, in tables.
private final class BenchmarkSession {
    private(set) var report: Report
    private let effort: Effort
    private let baseline: [NamedRate]
    private let progress: ProgressLine
    private let write: (String) -> Void
    private var done = 0

    init(
        header: Report.Header, effort: Effort, baseline: [NamedRate], total: Int,
        write: @escaping (String) -> Void
    ) {
        report = Report(header: header)
        self.effort = effort
        self.baseline = baseline
        self.write = write
        progress = ProgressLine(total: total)
        write(header.text)
    }

    func measure<B: Benchmark>(_ benchmarks: [B], _ results: WritableKeyPath<Report, [B.Result]>) throws {
        guard !benchmarks.isEmpty else { return }
        let group = B.Result.self
        let width = benchmarks.map { group.shortName($0.name).count }.max() ?? 0
        let columns = max(width, group.title.count) + 2
        write("\n" + Text.row(group.title, width: columns, group.columns))
        for benchmark in benchmarks {
            let result = try run(benchmark)
            done += 1
            let previous = report[keyPath: results].last
            if let introduction = result.introduction(after: previous) { write(introduction) }
            write(
                Text.row(
                    group.shortName(result.name), width: columns,
                    result.cells(report.header, after: previous)))
            report[keyPath: results].append(result)
        }
    }

    /// Something else may have kept the machine busy where a benchmark seems slower than the baseline: it runs once
    /// more, and the second time counts.
    private func run<B: Benchmark>(_ benchmark: B) throws -> B.Result {
        progress.show(benchmark.name, done: done)
        defer { progress.clear() }
        let result = try benchmark.run(effort)
        let seemsSlower = Comparison(before: baseline, after: result.rates).isRegression
        return seemsSlower ? try benchmark.run(effort) : result
    }
}
