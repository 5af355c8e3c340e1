import ApusCLI
import ApusKernels
import Foundation
import Testing

@Suite("apus doctor", .serialized)
struct DoctorCommandTests {
    @Test("The JSON has the machine, its rates and the verdict")
    func json() async throws {
        let outcome = await apus("doctor", "--json")
        #expect(outcome.status == .success)
        #expect(outcome.errors.isEmpty)
        let report = try JSONDecoder().decode(MachineReport.self, from: Data(outcome.output.utf8))
        #expect(report.openBLAS.core == OpenBLAS.coreName)
        #expect(report.backend == .preferred)
        #expect(report.threads.usable == Machine.usableThreads)
        #expect(report.flushesDenormals)
        #expect(report.gigaflops.fusedMultiplyAdd > 0.1)
        #expect(report.gigaflops.product > 0.1)
        #expect(report.gigaflops.productOnAllThreads > 0.1)
        let object = try outcome.json()
        #expect(object["isFine"] as? Bool == !report.findings.contains(where: \.isProblem))
        #expect((object["findings"] as? [Any])?.count == report.findings.count)
    }

    @Test("The text has a verdict, and fits into 80 columns")
    func text() async {
        let outcome = await apus("doctor")
        #expect(outcome.status == .success)
        #expect(outcome.output.contains("All is well.") || outcome.output.contains("Something is wrong."))
        #expect(outcome.output.contains("OpenBLAS"))
        #expect(outcome.output.contains("backend       \(Backend.preferred.rawValue): "))
        #expect(outcome.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    /// A machine with nothing wrong.
    private func healthy() throws -> MachineReport {
        let text = """
            {"processor":"x","instructionSet":"avx512","vectorBits":512,"flushesDenormals":true,
             "openBLAS":{"version":"0.3.21","configuration":"DYNAMIC_ARCH","threading":"pthread",
                         "core":"SkylakeX","isChosenByUser":false},
             "backend":"vector",
             "threads":{"usable":4,"affinity":4},
             "gigaflops":{"fusedMultiplyAdd":200,"product":170,"productOnAllThreads":640}}
            """
        return try JSONDecoder().decode(MachineReport.self, from: Data(text.utf8))
    }

    @Test("A machine with nothing wrong has no findings")
    func fine() throws {
        #expect(try healthy().findings.isEmpty)
    }

    @Test("Each thing wrong is found, with its cure")
    func problems() throws {
        func expect(
            _ mention: String, isProblem: Bool = true, _ change: (inout MachineReport) -> Void,
            sourceLocation: SourceLocation = #_sourceLocation
        ) throws {
            var report = try healthy()
            change(&report)
            let findings = report.findings
            #expect(findings.count == 1, sourceLocation: sourceLocation)
            #expect(findings.first?.isProblem == isProblem, sourceLocation: sourceLocation)
            #expect(findings.first?.text.contains(mention) == true, sourceLocation: sourceLocation)
        }
        try expect("set OPENBLAS_CORETYPE=SkylakeX") { $0.openBLAS.betterCore = "SkylakeX" }
        try expect("unset it") {
            $0.openBLAS.betterCore = "SkylakeX"
            $0.openBLAS.isChosenByUser = true
        }
        try expect("would have picked its Zen kernels", isProblem: false) { $0.openBLAS.replacedCore = "Zen" }
        try expect("suits this processor", isProblem: false) { $0.openBLAS.isChosenByUser = true }
        try expect("names 'fast'") { $0.unknownBackend = "fast" }
        try expect("no vector units") { $0.instructionSet = "portable" }
        try expect("45 %") {
            $0.gigaflops.product = 90
            $0.gigaflops.productOnAllThreads = 350
        }
        try expect("4 threads together reach only 50 %") { $0.gigaflops.productOnAllThreads = 340 }
        try expect("2.5 of 4 cores", isProblem: false) { $0.threads.quota = 2.5 }
        try expect("Denormal") { $0.flushesDenormals = false }
    }
}

@Suite("Choice of OpenBLAS's kernels")
struct CoreSelectionTests {
    @Test(
        "Kernels narrower than the processor are known for such, others are left alone",
        arguments: [
            ("Haswell", .avx512, "SkylakeX"), ("Zen", .avx512, "SkylakeX"),
            ("Prescott", .avx512, "SkylakeX"), ("Barcelona", .avx2, "Haswell"),
            ("Sandybridge", .avx2, "Haswell"), ("Haswell", .avx2, nil), ("Zen", .avx2, nil),
            ("SkylakeX", .avx512, nil), ("Cooperlake", .avx512, nil), ("SapphireRapids", .avx512, nil),
            ("a core to come", .avx512, nil), ("Nehalem", .portable, nil), ("ARMV8", .neon, nil),
        ] as [(String, Machine.InstructionSet, String?)])
    func better(core: String, vectors: Machine.InstructionSet, expected: String?) {
        #expect(
            CoreSelection.betterCore(
                than: core, vectors: vectors, configuration: "OpenBLAS 0.3.21 DYNAMIC_ARCH Haswell")
                == expected)
        #expect(
            CoreSelection.betterCore(
                than: core, vectors: vectors, configuration: "OpenBLAS 0.3.21 Haswell") == nil)
    }
}
