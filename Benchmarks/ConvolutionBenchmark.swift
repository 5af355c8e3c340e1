import Apus
import BenchmarkResults

/// A pass of a convolution of a shipped network, on one thread, in the network's layout: naive loops, im2col with
/// `cblas_sgemm`, and the way the planner picks. That one has its weights prepared before, as they are once a step for all
/// images of a batch; OpenBLAS packs them in every call.
struct ConvolutionBenchmark: Benchmark {
    /// One of the three computations of a convolution.
    enum Pass: String, CaseIterable {
        case forward, weightGradient, inputGradient
    }

    struct Result: BenchmarkResult {
        static let group = "convolution"
        static let title = "Convolutions, one thread, Gflop/s"
        static let columns = [
            "naive", "gemm", "planned", "spread", "of FMA", "of sgemm", "plan/gemm", "plan/naive", "",
        ]

        let name: String
        /// Such as `55x55x64 to 55x55x16, 1x1`.
        let geometry: String
        /// Billions of floating point operations a second, two for each multiply-add of the definition.
        let naiveGigaflops: Double
        let gemm: MeasuredRate
        let planned: MeasuredRate
        let plannedAlgorithm: String

        var rates: [NamedRate] {
            [NamedRate("\(name)/gemm", gemm), NamedRate("\(name)/planned", planned)]
        }

        func cells(_ header: Report.Header, after previous: Result?) -> [String] {
            [
                Text.number(naiveGigaflops), Text.number(gemm.median), Text.number(planned.median),
                Text.percent(planned.spread),
                Text.percent(planned.median / header.fusedMultiplyAddGigaflops),
                Text.percent(planned.median / header.productGigaflops),
                Text.times(planned.median / gemm.median), "\(Text.number(planned.median / naiveGigaflops))x",
                "  \(plannedAlgorithm)",
            ]
        }
    }

    let name: String
    let pass: Pass
    let geometry: ConvolutionGeometry
    let layout: Layout

    /// Images of a call: as many as a shard has at most, but fewer where one keeps the naive loops busy.
    private var batch: Int { max(2, min(16, (1 << 26) / geometry.multiplyAdds)) }

    /// The convolutions of all networks and their variants, each geometry once.
    static func all() throws -> [ConvolutionBenchmark] {
        var seen: Set<ConvolutionGeometry> = []
        var benchmarks: [ConvolutionBenchmark] = []
        for type in ModelCatalog.models {
            let variants: [any Model] = type.variants(classes: type.defaultClasses)
            for model in variants {
                // Differs in its first convolution alone, and wants larger images.
                if let original = model as? LeNet5Original, original.isPadded { continue }
                let network = try Network(model, fusesActivations: false)
                for (path, geometry) in convolutions(in: network.root)
                where seen.insert(geometry).inserted {
                    benchmarks += Pass.allCases.map {
                        ConvolutionBenchmark(
                            name: Result.name(model.variantName, path, $0.rawValue), pass: $0,
                            geometry: geometry, layout: type.layout)
                    }
                }
            }
        }
        return benchmarks
    }

    private static func convolutions(in layer: PlannedLayer) -> [(path: String, ConvolutionGeometry)] {
        let own = (layer.layer as? Conv2D).map {
            (layer.path, $0.geometry(input: layer.input, output: layer.output))
        }
        return (own.map { [$0] } ?? []) + layer.children.flatMap(convolutions(in:))
    }

    /// Compares every algorithm with the naive loops, then times it.
    ///
    /// - Throws: `BenchmarkError` where they differ.
    func run(_ effort: Effort) throws -> Result {
        let planned = geometry.algorithm(layout)
        let flops = 2e-9 * Double(geometry.multiplyAdds * batch)
        var naiveTime = Duration.zero
        func measure(_ algorithm: ConvolutionAlgorithm, _ layout: Layout) throws -> MeasuredRate {
            let problem = try ConvolutionProblem(geometry, layout, batch: batch)
            naiveTime = ContinuousClock().measure { problem.runNaive(pass) }
            guard problem.isRight(pass, algorithm) else {
                throw BenchmarkError(
                    description: "\(name): \(algorithm.rawValue) and the naive loops differ")
            }
            return MeasuredRate.measure(amount: flops, effort) { problem.run(pass, algorithm) }
        }
        // What a network takes on the backend gemm.
        let gemm = try measure(.gemm, layout == .imagesLast ? .channelsFirst : layout)
        return Result(
            name: name, geometry: geometry.text, naiveGigaflops: flops / (naiveTime / .seconds(1)),
            gemm: gemm, planned: planned == .gemm ? gemm : try measure(planned, layout),
            plannedAlgorithm: planned.rawValue)
    }
}

extension ConvolutionGeometry {
    fileprivate var text: String {
        "\(input) to \(output), \(kernel.height)x\(kernel.width)"
    }
}
