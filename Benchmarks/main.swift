import Apus
import ApusCLI
import Foundation

#if DEBUG
    FileHandle.standardError.write(
        Data("apus-benchmarks: built for debugging, its times mean nothing; use `make bench`\n".utf8))
    exit(1)
#else
    private let filter = Option("filter", "text", default: "", help: "Run what has this in its name.")
    private let threads = Option<Int?>(
        "threads", "n", absent: "all usable", .atLeast(1), help: "Threads of training.")
    private let rounds = Option("rounds", "n", default: 7, .atLeast(1), help: "Rounds of each measurement.")
    private let seconds = Option(
        "seconds", "s", default: 0.5, .above(0), help: "About how long a round takes.")
    private let json = Flag("json", help: "Print JSON in place of the tables.")
    private let specification = CommandSpecification(
        "apus-benchmarks", abstract: "Measures the kernels and the networks.",
        options: [filter, threads, rounds, seconds, json])

    private func run(_ arguments: ParsedArguments) throws {
        let isTable = !arguments[json]
        // Unbuffered: a row appears when it is measured, into a pipe too.
        func say(_ line: String) {
            if isTable { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
        }
        func isWanted(_ name: String) -> Bool {
            arguments[filter].isEmpty || name.contains(arguments[filter])
        }
        var report = Report(
            header: Report.Header(threads: arguments[threads] ?? Machine.usableThreads))
        say(report.header.text)
        let convolutions = try ConvolutionBenchmark.all().filter { isWanted($0.name) }
        if !convolutions.isEmpty { say("\n\(ConvolutionBenchmark.Result.heading)") }
        for benchmark in convolutions {
            for result in try benchmark.run(rounds: arguments[rounds], seconds: arguments[seconds] / 2) {
                report.convolutions.append(result)
                say(result.text(report.header))
            }
        }
        let training = TrainingBenchmark.all.filter { isWanted($0.name) }
        if !training.isEmpty { say("\n\(TrainingBenchmark.Result.heading)") }
        for benchmark in training {
            let result = try benchmark.run(
                threads: report.header.threads, rounds: arguments[rounds], seconds: arguments[seconds])
            report.training.append(result)
            say(result.text)
        }
        if !isTable { print(try report.json()) }
    }

    CoreSelection.restartWithBetterCore()
    do {
        let arguments = Array(CommandLine.arguments.dropFirst())
        try run(try ParsedArguments(arguments, for: specification))
    } catch {
        FileHandle.standardError.write(Data("apus-benchmarks: \(error)\n".utf8))
        exit(1)
    }
#endif
