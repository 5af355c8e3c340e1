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
        let swift: String
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
            swift = Self.firstLine(of: "swift", "--version") ?? "Swift of unknown version"
            commit = Self.firstLine(of: "git", "describe", "--always", "--dirty") ?? "unknown"
            fusedMultiplyAddGigaflops = Machine.measureFusedMultiplyAdd()
            productGigaflops = Machine.measureProduct()
        }

        /// What a program says, where there is one.
        private static func firstLine(of command: String...) -> String? {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = command
            let output = Pipe()
            process.standardOutput = output
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return nil }
            let text = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            guard process.terminationStatus == 0 else { return nil }
            return String(decoding: text, as: UTF8.self).split(separator: "\n").first.map(String.init)
        }
    }

    let header: Header
    var convolutions: [ConvolutionBenchmark.Result] = []
    var training: [TrainingBenchmark.Result] = []
    var epochs: [EpochBenchmark.Result] = []

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}

extension Report.Header {
    var text: String {
        """
        \(processor), \(instructionSet), \(threads) threads; \(blas), core \(blasCore)
        \(swift); commit \(commit)
        One thread: \(Text.number(fusedMultiplyAddGigaflops)) Gflop/s of fused multiply-adds, \
        \(Text.number(productGigaflops)) of sgemm 1024x1024
        """
    }
}

extension ConvolutionBenchmark.Result {
    static let heading = Text.row(
        "Convolution, one thread, Gflop/s", "naive", "Apus", "spread", "of FMA", "of sgemm", "Apus/naive")

    func text(_ header: Report.Header) -> String {
        Text.row(
            "\(name) \(pass.rawValue)", "\(Text.number(naiveGigaflops))", "\(Text.number(gigaflops.median))",
            Text.percent(gigaflops.spread),
            Text.percent(gigaflops.median / header.fusedMultiplyAddGigaflops),
            Text.percent(gigaflops.median / header.productGigaflops),
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
        first.padding(toLength: 48, withPad: " ", startingAt: 0)
            + rest.map { String(repeating: " ", count: max(1, 12 - $0.count)) + $0 }.joined()
    }

    static func number(_ value: Double) -> String {
        String(format: value < 100 ? "%.1f" : "%.0f", value)
    }

    static func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
