import Apus
import BenchmarkResults

/// How the cost of training an image grows with one size, the others being fixed.
struct GrowthBenchmark: Benchmark {
    enum Series: String, Codable {
        case batch
        case imageSize = "image-size"
        case channels
        case threads
    }

    struct Result: BenchmarkResult {
        static let group = "growth"
        static let title = "Growth of training"
        static let columns = ["time/image", "x previous", "work", "time/work", "planned", "spread"]

        let series: Series
        let value: Int
        /// Multiply-adds of an image, shared evenly among threads: what the time would follow if nothing else counted.
        let work: Double
        let network: NetworkBenchmark.Result

        var name: String { network.name }
        var rates: [NamedRate] { network.rates }
        private var secondsPerImage: Double { 1 / network.imagesPerSecond.median }

        func introduction(after previous: Result?) -> String? {
            previous?.series == series ? nil : "\n" + series.explanation
        }

        func cells(_ header: Report.Header, after previous: Result?) -> [String] {
            var growth = ["", "", ""]
            if let previous, previous.series == series {
                let time = secondsPerImage / previous.secondsPerImage
                let expected = work / previous.work
                growth = [Text.times(time), Text.times(expected), Text.times(time / expected)]
            }
            return [Text.time(seconds: secondsPerImage)] + growth
                + [Text.memory(network.plannedBytes), Text.percent(network.imagesPerSecond.spread)]
        }
    }

    let series: Series
    let value: Int
    let network: NetworkBenchmark

    var name: String { network.name }

    /// - Parameter threads: the counts to try; the most of them for the other series.
    static func all(threads: [Int]) -> [GrowthBenchmark] {
        let most = threads.max() ?? 1
        func series(
            _ series: Series, _ values: [Int], _ benchmark: (Int) -> (Workload, batchSize: Int, threads: Int)
        ) -> [GrowthBenchmark] {
            values.map { value in
                let (workload, batchSize, threads) = benchmark(value)
                return GrowthBenchmark(series, value, workload, batchSize: batchSize, threads: threads)
            }
        }
        return [
            series(.batch, [1, 2, 4, 8, 16, 32, 64, 128, 256]) { (.squeezeNet(imageSize: 64), $0, most) },
            series(.imageSize, [32, 64, 128, 256]) { (.squeezeNet(imageSize: $0), 16, most) },
            series(.channels, [8, 16, 32, 64, 128, 256]) { (.convolutions(channels: $0), 16, most) },
            series(.threads, threads) { (.squeezeNet(imageSize: 64), 64, $0) },
        ].flatMap(\.self)
    }

    private init(_ series: Series, _ value: Int, _ workload: Workload, batchSize: Int, threads: Int) {
        self.series = series
        self.value = value
        network = NetworkBenchmark(
            name: Result.name(series.rawValue, "\(value)"), workload: workload, work: .train,
            batchSize: batchSize, threads: threads)
    }

    func run(_ effort: Effort) throws -> Result {
        let multiplyAdds = try network.workload.plan().multiplyAdds
        return Result(
            series: series, value: value, work: Double(multiplyAdds) / Double(network.threads),
            network: try network.run(effort))
    }
}

extension GrowthBenchmark.Series {
    /// What is changed, and why an image's time does not follow its work.
    fileprivate var explanation: String {
        switch self {
        case .batch:
            """
            Images of a batch: squeezenet1_1, 64x64. Small batches cost more an image: they make fewer shards than \
            there are threads, and updating the parameters costs the same for any.
            """
        case .imageSize:
            """
            Rows and columns of an image: squeezenet1_1, batches of 16. Time beyond work: activations have outgrown \
            a cache. Less: preparing weights and updating them cost the same for any image.
            """
        case .channels:
            """
            Channels of 3x3 convolutions, 16x16, batches of 16: the work grows with their square. Time beyond work: \
            weights and columns have outgrown a cache. Less: few channels leave vectors unfilled.
            """
        case .threads:
            """
            Threads: squeezenet1_1, 64x64, batches of 64. Time beyond work: threads share the memory's rate (see \
            roof/copy) and the third-level cache, and wait for the slowest of them.
            """
        }
    }
}

extension Workload {
    fileprivate static func squeezeNet(imageSize: Int) -> Workload {
        Workload(name: SqueezeNet1_1.name) {
            try Network(SqueezeNet1_1(), input: Shape(height: imageSize, width: imageSize, channels: 3))
        }
    }

    fileprivate static func convolutions(channels: Int) -> Workload {
        Workload(name: "convolutions") {
            try Network(
                Sequential {
                    Conv2D(3, channels, kernel: 3, padding: 1)
                    ReLU()
                    Conv2D(channels, channels, kernel: 3, padding: 1)
                    ReLU()
                    Conv2D(channels, channels, kernel: 3, padding: 1)
                    ReLU()
                    GlobalAveragePool2D()
                    Linear(channels, 10)
                },
                input: Shape(height: 16, width: 16, channels: 3), layout: .channelsLast)
        }
    }
}
