import Apus
import BenchmarkResults

/// What the machine can do at most: multiply-adds by the width of vectors, products of matrices, copies of memory.
struct RoofBenchmark: Benchmark {
    struct Result: BenchmarkResult {
        static let group = "roof"
        static let title = "What the machine can do"
        static let columns = ["median", "", "spread", "best"]

        let name: String
        let unit: String
        /// Billions a second: of floating point operations, or of bytes read and written.
        let rate: MeasuredRate

        var rates: [NamedRate] { [NamedRate(name, rate)] }

        func cells(_ header: Report.Header, after previous: Result?) -> [String] {
            [
                Text.number(rate.median), unit, Text.percent(rate.spread), Text.number(rate.greatest),
            ]
        }
    }

    let name: String
    private let unit: String
    private let measure: (Effort) throws -> MeasuredRate

    func run(_ effort: Effort) throws -> Result {
        Result(name: name, unit: unit, rate: try measure(effort))
    }

    static func all(threads: [Int]) -> [RoofBenchmark] {
        let ends = Set([1, threads.max() ?? 1]).sorted()
        return Machine.instructionSets.map(multiplyAdds) + ends.map(product)
            + ends.flatMap { threads in
                MachineRoof.copiedBytes(threads: threads).map { copies(of: $0, threads: threads) }
            }
    }

    private static func multiplyAdds(_ instructionSet: Machine.InstructionSet) -> RoofBenchmark {
        RoofBenchmark(name: Result.name("multiply-add", instructionSet.rawValue), unit: "Gflop/s") { effort in
            MeasuredRate(
                rates: (0..<effort.rounds(ofSeconds: 0)).map { _ in
                    Machine.measureFusedMultiplyAdd(instructionSet, seconds: effort.seconds)
                })
        }
    }

    private static func product(threads: Int) -> RoofBenchmark {
        RoofBenchmark(name: Result.name("sgemm-1024", "threads-\(threads)"), unit: "Gflop/s") { effort in
            let workers = Workers(count: threads)
            return MeasuredRate(
                rates: (0..<effort.rounds(ofSeconds: 0)).map { _ in
                    Machine.measureProduct(seconds: effort.seconds, on: workers)
                })
        }
    }

    private static func copies(of bytes: Int, threads: Int) -> RoofBenchmark {
        let size = bytes < 1 << 20 ? "\(bytes >> 10)-KiB" : "\(bytes >> 20)-MiB"
        let name = Result.name("copy", size, "threads-\(threads)")
        return RoofBenchmark(name: name, unit: "GB/s") { effort in
            let probe = try CopyProbe(bytes: bytes, on: Workers(count: threads))
            return MeasuredRate.measure(amount: 1e-9 * Double(probe.bytesOfRun), effort) { probe.run() }
        }
    }
}
