import CVectorKernels
import Foundation

/// The processor as this process may use it.
public enum Machine {
    /// Vector instruction sets, in rising order of width.
    public enum InstructionSet: String, Sendable, Codable, CaseIterable, Comparable {
        case portable, neon, avx2, avx512

        public static func < (left: Self, right: Self) -> Bool {
            allCases.firstIndex(of: left)! < allCases.firstIndex(of: right)!
        }

        /// Bits of a vector register.
        public var vectorBits: Int {
            switch self {
            case .portable, .neon: 128
            case .avx2: 256
            case .avx512: 512
            }
        }
    }

    /// The widest instruction set this processor supports.
    public static var instructionSet: InstructionSet {
        switch apus_widest_isa() {
        case apus_isa_avx512: .avx512
        case apus_isa_avx2: .avx2
        case apus_isa_neon: .neon
        default: .portable
        }
    }

    /// All instruction sets this processor supports, in rising order of width.
    public static var instructionSets: [InstructionSet] {
        instructionSet == .neon
            ? [.portable, .neon] : [.portable, .avx2, .avx512].filter { $0 <= instructionSet }
    }

    /// Cores the scheduler lets this process use.
    public static var affinityThreads: Int {
        let cores = Int(apus_affinity_cores())
        return cores > 0 ? cores : ProcessInfo.processInfo.activeProcessorCount
    }

    /// Cores' worth of time the process's control groups grant, or nil where they set no limit.
    public static var quota: Double? {
        #if os(Linux)
            func contents(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
            return ControlGroup.quota(
                membership: contents("/proc/self/cgroup") ?? "0::/\n1:cpu:/", contents: contents)
        #else
            return nil
        #endif
    }

    /// Threads worth starting: the affinity's cores, within the control group's quota.
    public static let usableThreads: Int = {
        let cores = affinityThreads
        guard let quota else { return max(1, cores) }
        return max(1, min(cores, Int(quota.rounded(.up))))
    }()

    /// The processor's name as the system gives it.
    public static var processorName: String {
        #if os(Linux)
            if let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
                let colon = line.firstIndex(of: ":")
            {
                return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        #endif
        return "unknown processor"
    }

    /// Whether the calling thread flushes denormal numbers to zero.
    public static var flushesDenormals: Bool {
        let control = apus_float_control()
        return apus_flushing_denormals(control) == control
    }

    /// Multiply-adds held in registers, in gigaflops of one core, over about `seconds`: fused ones, but for the
    /// portable set.
    ///
    /// - Parameter instructionSet: one this processor supports; by default the widest.
    public static func measureFusedMultiplyAdd(
        _ instructionSet: InstructionSet = instructionSet, seconds: Double = 0.1
    ) -> Double {
        var sink: Float = 0
        return bestRate(seconds: seconds) {
            unsafe Double(apus_fma_probe(instructionSet.code, 200_000, &sink))
        }
    }

    /// A square product by OpenBLAS on the calling thread, in gigaflops, over about `seconds`.
    public static func measureProduct(size: Int = 1024, seconds: Double = 0.3) -> Double {
        measureProduct(size: size, seconds: seconds, on: Workers(count: 1))
    }

    /// As many square products by OpenBLAS as there are workers, all at once, in gigaflops together.
    public static func measureProduct(
        size: Int = 1024, seconds: Double = 0.3, on workers: Workers
    ) -> Double {
        let matrix = size * size
        guard let buffer = try? FloatBuffer(count: 3 * matrix * workers.count) else { return 0 }
        buffer.view.fill(0.5)
        return bestRate(seconds: seconds) {
            workers.run(jobs: workers.count) { job, _ in
                let matrices = (3 * job..<3 * job + 3).map {
                    buffer.view.slice($0 * matrix..<($0 + 1) * matrix).matrix(rows: size, columns: size)
                }
                multiply(matrices[0], matrices[1], into: matrices[2])
            }
            return 2 * Double(matrix * size) * Double(workers.count)
        }
    }

    /// Copies of memory by as many threads as there are workers, all at once: gigabytes that they together read and
    /// write in a second.
    ///
    /// - Parameter bytes: that each thread copies within.
    /// - Throws: `AllocationError` where memory runs out.
    public static func measureCopy(within bytes: Int, seconds: Double = 0.1, on workers: Workers) throws
        -> Double
    {
        let probe = try CopyProbe(bytes: bytes, on: workers)
        // The first run touches the memory.
        probe.run()
        return bestRate(seconds: seconds) {
            probe.run()
            return Double(probe.bytesOfRun)
        }
    }

    /// The best rate of several rounds, in billions of operations, or bytes, a second.
    private static func bestRate(seconds: Double, _ round: () -> Double) -> Double {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var best = 0.0
        repeat {
            var operations = 0.0
            let elapsed = clock.measure { operations = round() }
            best = max(best, operations / (elapsed / .seconds(1)) / 1e9)
        } while clock.now < end
        return best
    }
}
