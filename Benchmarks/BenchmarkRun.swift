import Apus
import ApusCLI
import Foundation

/// What to measure, as the command line says.
struct BenchmarkRun {
    private static let filter = Option<String?>(
        "filter", "text", absent: "everything", help: "Run what has this in its name.")
    private static let threads = Option<Int?>(
        "threads", "n", absent: "all usable", .atLeast(1), help: "Threads of training.")
    private static let rounds = Option(
        "rounds", "n", default: 7, .atLeast(1), help: "Rounds of each measurement.")
    private static let seconds = Option(
        "seconds", "s", default: 0.5, .above(0), help: "About how long a round takes.")
    private static let json = Flag("json", help: "Print JSON in place of the tables.")

    static let specification = CommandSpecification(
        "apus-benchmarks",
        abstract: "Measures convolutions against naive loops, and whole steps of training.",
        options: [filter, threads, rounds, seconds, json],
        examples: [Example("--filter lenet5/train --rounds 15", "Time the training of LeNet-5 alone.")])

    private let filter: String?
    private let threads: Int
    private let rounds: Int
    private let seconds: Double
    private let json: Bool

    init(_ arguments: ParsedArguments) {
        filter = arguments[Self.filter]
        threads = arguments[Self.threads] ?? Machine.usableThreads
        rounds = arguments[Self.rounds]
        seconds = arguments[Self.seconds]
        json = arguments[Self.json]
    }

    /// Measures, and prints each row of the tables when it is there.
    func run() throws {
        let convolutions = try ConvolutionBenchmark.all().filter { isWanted($0.name) }
        let training = TrainingBenchmark.all.filter { isWanted($0.name) }
        let epochs = EpochBenchmark.all.filter { isWanted($0.name) }
        guard !convolutions.isEmpty || !training.isEmpty || !epochs.isEmpty else {
            throw BenchmarkError(description: "no benchmark has '\(filter ?? "")' in its name")
        }
        var report = Report(header: Report.Header(threads: threads))
        say(report.header.text)
        if !convolutions.isEmpty { say("\n\(ConvolutionBenchmark.Result.heading)") }
        for benchmark in convolutions {
            // Six measurements each, of which three are of naive loops.
            for result in try benchmark.run(rounds: rounds, seconds: seconds / 2) {
                report.convolutions.append(result)
                say(result.text(report.header))
            }
        }
        if !training.isEmpty { say("\n\(TrainingBenchmark.Result.heading)") }
        for benchmark in training {
            let result = try benchmark.run(threads: threads, rounds: rounds, seconds: seconds)
            report.training.append(result)
            say(result.text)
        }
        if !epochs.isEmpty { say("\n\(EpochBenchmark.Result.heading)") }
        for benchmark in epochs {
            let result = try benchmark.run(threads: threads, rounds: rounds)
            report.epochs.append(result)
            say(result.text)
        }
        if json { write(try report.json()) }
    }

    private func isWanted(_ name: String) -> Bool { filter.map { name.contains($0) } ?? true }

    private func say(_ line: String) {
        if !json { write(line) }
    }

    /// Unbuffered, so that a row is seen when it is measured, in a pipe too.
    private func write(_ text: String) {
        FileHandle.standardOutput.write(Data((text + "\n").utf8))
    }
}
