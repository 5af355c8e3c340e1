import ApusFormats
import ApusKernels
import Foundation

/// `apus doctor`: measures the machine, and says what is wrong with it.
struct DoctorCommand: Command {
    static let specification = CommandSpecification(
        "doctor", abstract: "Measures this machine, and says whether it is as fast as it should be.",
        options: [CommonOptions.json],
        examples: [Example("doctor", "The processor, OpenBLAS, threads, rates, and a verdict.")])

    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        writesJSON = arguments[CommonOptions.json]
    }

    func run(on console: Console) throws -> ExitCode {
        let report = MachineReport.measured()
        console.write(try writesJSON ? report.json() : report.text(columns: min(console.columns, 100)))
        return .success
    }
}

extension MachineReport {
    private var isFine: Bool { !findings.contains(where: \.isProblem) }

    fileprivate func json() throws -> String {
        /// The report's own keys, and the verdict.
        struct Verdict: Encodable {
            let report: MachineReport

            enum CodingKeys: String, CodingKey { case isFine, findings }

            func encode(to encoder: any Encoder) throws {
                try report.encode(to: encoder)
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encode(report.isFine, forKey: .isFine)
                try container.encode(report.findings, forKey: .findings)
            }
        }
        let line = try JSONEncoder.forLines.encode(Verdict(report: self))
        return String(decoding: line, as: UTF8.self) + "\n"
    }

    fileprivate func text(columns: Int) -> String {
        let verdict = isFine ? "All is well." : "Something is wrong."
        let notes = findings.map { ($0.isProblem ? "! " : "- ") + $0.text }
        return facts.text(columns: columns) + "\n" + verdict + "\n"
            + notes.map { $0.wrapped(columns: columns, indentation: 2) + "\n" }.joined()
    }

    private var facts: FactList {
        let rates = gigaflops
        let scaling = rates.productOnAllThreads / rates.product
        var facts = FactList()
        facts.add("processor", "\(processor), \(instructionSet), vectors of \(vectorBits) bits")
        facts.add("OpenBLAS", "\(openBLAS.version), \(openBLAS.core) kernels, built with \(threading)")
        facts.add("backend", backendText)
        facts.add("threads", threadsText)
        facts.add("denormals", flushesDenormals ? "flushed to zero on all threads" : "kept")
        facts.add("vector units", "\(rates.fusedMultiplyAdd.digits(3)) GFLOP/s, the most one core can do")
        facts.add(
            "products",
            "\(rates.product.digits(3)) GFLOP/s on one thread, "
                + "\((rates.product / rates.fusedMultiplyAdd).percent) of that")
        if threads.usable > 1 {
            facts.add(
                "",
                "\(rates.productOnAllThreads.digits(3)) GFLOP/s on \(threads.usable) threads, "
                    + "\(scaling.decimals(2)) times as fast")
        }
        return facts
    }

    private var threading: String {
        switch openBLAS.threading {
        case "serial": "no threads of its own"
        case let name: "\(name) threads (not used: apus has its own)"
        }
    }

    private var backendText: String {
        switch backend {
        case .gemm: "gemm: OpenBLAS computes all products and convolutions"
        case .vector: "vector: kernels of apus's own where they are faster, OpenBLAS for the rest"
        }
    }

    private var threadsText: String {
        let quota = threads.quota.map { "a quota of \($0.digits(3)) cores" } ?? "no quota"
        return "\(threads.usable) usable: \(threads.affinity.counted("core")), \(quota)"
    }
}
