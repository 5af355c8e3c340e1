import Apus
import Foundation

/// What was measured, and on what.
struct Report: Codable {
    /// The machine and the build.
    struct Header: Codable {
        let processor: String
        let instructionSet: String
        let threads: Int
        let blas: String
        let blasCore: String
        let commit: String
        /// Gigaflops of one thread: fused multiply-adds in registers, and a product of 1024x1024 matrices.
        let fusedMultiplyAddGigaflops: Double
        let productGigaflops: Double

        init(threads: Int) {
            processor = Machine.processorName
            instructionSet = Machine.instructionSet.rawValue
            self.threads = threads
            blas = "OpenBLAS \(OpenBLAS.version)"
            blasCore = OpenBLAS.coreName
            commit = Self.currentCommit() ?? "unknown"
            fusedMultiplyAddGigaflops = Machine.measureFusedMultiplyAdd()
            productGigaflops = Machine.measureProduct()
        }

        /// The commit of the working directory, where there is one.
        private static func currentCommit() -> String? {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["git", "describe", "--always", "--dirty"]
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return nil }
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { return nil }
            return String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
    }

    let header: Header
    var convolutions: [ConvolutionBenchmark.Result] = []
    var training: [TrainingBenchmark.Result] = []

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension Report.Header {
    var text: String {
        """
        \(processor), \(instructionSet), \(threads) threads; \(blas), core \(blasCore); commit \(commit)
        One thread: \(Text.number(fusedMultiplyAddGigaflops)) Gflop/s of fused multiply-adds, \
        \(Text.number(productGigaflops)) of sgemm 1024x1024
        """
    }
}

extension ConvolutionBenchmark.Result {
    static let heading = Text.row(
        "Convolution, one thread", "naive", "GEMM", "spread", "of FMA", "GEMM/naive")

    func text(_ header: Report.Header) -> String {
        Text.row(
            "\(name) \(pass.rawValue)", "\(Text.number(naiveGigaflops))", "\(Text.number(gigaflops.median))",
            Text.percent(gigaflops.spread),
            Text.percent(gigaflops.median / header.fusedMultiplyAddGigaflops),
            "\(Text.number(speedup))x")
    }
}

extension TrainingBenchmark.Result {
    static let heading = Text.row("Training", "batch", "threads", "images/s", "spread", "memory")

    var text: String {
        Text.row(
            name, "\(batchSize)", "\(threads)", Text.number(imagesPerSecond.median),
            Text.percent(imagesPerSecond.spread), "\(memoryBytes >> 10) KiB")
    }
}

/// Columns of a table.
enum Text {
    static func row(_ first: String, _ rest: String...) -> String {
        first.padding(toLength: 36, withPad: " ", startingAt: 0)
            + rest.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
    }

    static func number(_ value: Double) -> String {
        String(format: value < 100 ? "%.1f" : "%.0f", value)
    }

    static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
