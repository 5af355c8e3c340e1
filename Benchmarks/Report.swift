import Apus
import BenchmarkResults
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
        /// Whether allocations were counted.
        let countsAllocations: Bool
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
            countsAllocations = Allocations.areCounted
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

        var text: String {
            """
            \(processor), \(instructionSet), \(threads) threads; \(blas), core \(blasCore)
            \(swift); commit \(commit)
            One thread: \(Text.number(fusedMultiplyAddGigaflops)) Gflop/s of fused multiply-adds, \
            \(Text.number(productGigaflops)) of sgemm 1024x1024\
            \(countsAllocations ? "" : "\nAllocations cannot be counted on this system.")
            """
        }

        /// What of the machine differs from another's, in words, or nil.
        func difference(from other: Header) -> String? {
            let pairs = [
                (processor, other.processor), (instructionSet, other.instructionSet),
                (blas, other.blas), (blasCore, other.blasCore), (swift, other.swift),
            ]
            let differing = pairs.filter { $0 != $1 }.map { "\($1), now \($0)" }
            return differing.isEmpty ? nil : differing.joined(separator: "; ")
        }
    }

    let header: Header
    var roofs: [RoofBenchmark.Result] = []
    var convolutions: [ConvolutionBenchmark.Result] = []
    var augmentations: [AugmentationBenchmark.Result] = []
    var networks: [NetworkBenchmark.Result] = []
    var growth: [GrowthBenchmark.Result] = []
    var epochs: [EpochBenchmark.Result] = []

    init(header: Header) { self.header = header }

    /// Reads what an earlier run has written.
    ///
    /// - Throws: `FileError` where there is no such file, `BenchmarkError` where it holds something else.
    init(contentsOf path: String) throws {
        let data = try WholeFile.contents(of: URL(fileURLWithPath: path))
        do {
            self = try JSONDecoder().decode(Report.self, from: data)
        } catch {
            throw BenchmarkError(description: "\(path) is no report of these benchmarks: \(error)")
        }
    }

    var rates: [NamedRate] {
        let groups: [[any BenchmarkResult]] = [
            roofs, convolutions, augmentations, networks, growth, epochs,
        ]
        return groups.flatMap { $0.flatMap(\.rates) }
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}
