import ApusKernels
import Foundation
import Synchronization

/// The machine as `apus doctor` finds it.
package struct MachineReport: Codable, Sendable {
    package struct Library: Codable, Sendable {
        package var version: String
        package var configuration: String
        package var threading: String
        /// The core whose kernels are in use.
        package var core: String
        /// The core that OpenBLAS would have picked, where this program has picked another.
        package var replacedCore: String?
        /// Whether the environment has picked the core.
        package var isChosenByUser: Bool
        /// The core that would be faster, where the one in use is not right.
        package var betterCore: String?
    }

    package struct Threads: Codable, Sendable {
        /// Threads that are started unless told otherwise.
        package var usable: Int
        /// Cores the scheduler lets the process use.
        package var affinity: Int
        /// Cores' worth of time the control group grants, where it sets a limit.
        package var quota: Double?
    }

    /// Billions of floating point operations a second.
    package struct Gigaflops: Codable, Sendable {
        /// What one core's vector units can do at most.
        package var fusedMultiplyAdd: Double
        /// A product of 1024x1024 matrices on one thread.
        package var product: Double
        /// Such products on all usable threads at once.
        package var productOnAllThreads: Double
    }

    package var processor: String
    package var instructionSet: String
    package var vectorBits: Int
    package var openBLAS: Library
    /// What computes products and convolutions unless told otherwise.
    package var backend: Backend
    /// What the environment names as one, where there is no such.
    package var unknownBackend: String?
    package var threads: Threads
    /// Whether denormal numbers, which are slow, become zero while networks run.
    package var flushesDenormals: Bool
    package var gigaflops: Gigaflops

    /// Looks at this machine and measures it: a second.
    static func measured() -> MachineReport {
        let workers = Workers()
        return MachineReport(
            processor: Machine.processorName, instructionSet: Machine.instructionSet.rawValue,
            vectorBits: Machine.instructionSet.vectorBits,
            openBLAS: Library(
                version: OpenBLAS.version, configuration: OpenBLAS.configuration,
                threading: OpenBLAS.threading.rawValue, core: OpenBLAS.coreName,
                replacedCore: CoreSelection.replacedCore, isChosenByUser: CoreSelection.isChosenByUser,
                betterCore: CoreSelection.betterCore),
            backend: .preferred, unknownBackend: Backend.misnamed,
            threads: Threads(
                usable: Machine.usableThreads, affinity: Machine.affinityThreads, quota: Machine.quota),
            flushesDenormals: flushesDenormals(workers),
            gigaflops: Gigaflops(
                fusedMultiplyAdd: Machine.measureFusedMultiplyAdd(),
                product: Machine.measureProduct(),
                productOnAllThreads: Machine.measureProduct(on: workers)))
    }

    private static func flushesDenormals(_ workers: Workers) -> Bool {
        let keepsSome = Atomic<Bool>(false)
        return withExtendedLifetime(workers) {
            workers.run(jobs: 16 * workers.count) { _, _ in
                if !Machine.flushesDenormals { keepsSome.store(true, ordering: .relaxed) }
            }
            return !keepsSome.load(ordering: .relaxed)
        }
    }
}

extension MachineReport {
    /// What is to be said of the machine: a sentence, and whether it names something wrong.
    package struct Finding: Codable, Sendable, Equatable {
        package var isProblem: Bool
        package var text: String
    }

    /// Below this share of the vector units' rate a product has the wrong kernels, or the core other work.
    private static let leastProductShare = 0.5
    /// Below this share of as many times one thread's rate, the threads do not have a core each.
    private static let leastScaling = 0.6

    package var findings: [Finding] {
        let findings = [
            coreFinding, backendFinding, widthFinding, rateFinding, scalingFinding, quotaFinding,
            denormalFinding,
        ]
        return findings.compactMap(\.self)
    }

    private var coreFinding: Finding? {
        let variable = CoreSelection.variable
        if let better = openBLAS.betterCore, openBLAS.isChosenByUser {
            return problem(
                "\(variable) is set in the environment and makes OpenBLAS run its \(openBLAS.core) kernels, "
                    + "which are narrower than this processor: unset it, or set it to \(better).")
        }
        if let better = openBLAS.betterCore {
            return problem(
                "OpenBLAS runs its \(openBLAS.core) kernels, which are narrower than this processor: set "
                    + "\(variable)=\(better) in the environment.")
        }
        if let replaced = openBLAS.replacedCore {
            return remark(
                "OpenBLAS would have picked its \(replaced) kernels, which are narrower than this processor; "
                    + "apus has picked \(openBLAS.core). Programs of your own want "
                    + "\(variable)=\(openBLAS.core) in their environment before they start.")
        }
        if openBLAS.isChosenByUser {
            return remark("\(variable) is set in the environment, and suits this processor.")
        }
        return nil
    }

    private var backendFinding: Finding? {
        unknownBackend.map {
            problem(
                "\(Backend.variable) in the environment names '\($0)', which is no backend: unset it, or set it "
                    + "to one of \(Backend.choices.joined(separator: ", ")).")
        }
    }

    private var widthFinding: Finding? {
        guard instructionSet == Machine.InstructionSet.portable.rawValue else { return nil }
        return problem("This processor has no vector units that apus knows: expect it to be slow.")
    }

    private var rateFinding: Finding? {
        let share = gigaflops.product / gigaflops.fusedMultiplyAdd
        guard share < Self.leastProductShare else { return nil }
        return problem(
            "Matrix products reach only \(share.percent) of what the vector units can do"
                + (openBLAS.betterCore == nil ? ": see that nothing else runs, and try again." : "."))
    }

    private var scalingFinding: Finding? {
        let share = gigaflops.productOnAllThreads / (gigaflops.product * Double(threads.usable))
        guard threads.usable > 1, share < Self.leastScaling else { return nil }
        return problem(
            "\(threads.usable) threads together reach only \(share.percent) of \(threads.usable) times one: "
                + "something else is running, or the threads share cores; fewer --threads may be as fast.")
    }

    private var quotaFinding: Finding? {
        guard let quota = threads.quota, quota < Double(threads.affinity) else { return nil }
        return remark(
            "The control group grants the time of \(quota.digits(3)) of \(threads.affinity) cores, so "
                + "\(threads.usable.counted("thread")) will be started.")
    }

    private var denormalFinding: Finding? {
        guard !flushesDenormals else { return nil }
        return problem("Denormal numbers are not flushed to zero on this processor: training may stall.")
    }

    private func problem(_ text: String) -> Finding { Finding(isProblem: true, text: text) }
    private func remark(_ text: String) -> Finding { Finding(isProblem: false, text: text) }
}
