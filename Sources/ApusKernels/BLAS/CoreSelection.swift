import CVectorKernels
import Foundation

/// Which of OpenBLAS's kernels suit the processor, where narrower ones are in use.
///
/// OpenBLAS knows the processors of its time. Those it does not know may get kernels for much older ones:
/// releases of before 2022 run a new AMD processor as a Barcelona, without AVX (OpenBLAS issue 3620). An
/// environment variable decides in its place, and, forgotten, slows it in the same way. Either way the
/// variable must be right before the process starts.
public enum CoreSelection {
    /// The variable that tells OpenBLAS which core's kernels to use.
    public static let variable = "OPENBLAS_CORETYPE"

    /// Where a restarted process finds what OpenBLAS would have picked.
    private static let replacedVariable = "APUS_REPLACED_CORE"

    /// The core whose kernels would suit this processor better than those in use, or nil if these do.
    public static var betterCore: String? {
        betterCore(
            than: OpenBLAS.coreName, vectors: Machine.instructionSet, configuration: OpenBLAS.configuration)
    }

    /// The core OpenBLAS had picked before `restartWithBetterCore` replaced it, or nil.
    package static var replacedCore: String? {
        ProcessInfo.processInfo.environment[replacedVariable]
    }

    /// Whether the environment, and neither OpenBLAS nor a restart, has chosen the core.
    package static var isChosenByUser: Bool {
        ProcessInfo.processInfo.environment[variable] != nil && replacedCore == nil
    }

    /// As `betterCore`, for any processor and library; cores of unknown names are left alone.
    ///
    /// - Parameters:
    ///   - vectors: the widest vectors of the processor that OpenBLAS has kernels for.
    ///   - configuration: the library's, which says whether it has more than one core's kernels.
    package static func betterCore(
        than core: String, vectors: Machine.InstructionSet, configuration: String
    ) -> String? {
        guard configuration.contains("DYNAMIC_ARCH") else { return nil }
        let isOlder = olderCores.contains(core.lowercased())
        return switch vectors {
        case .avx512 where isOlder || avx2Cores.contains(core.lowercased()): "SkylakeX"
        case .avx2 where isOlder: "Haswell"
        default: nil
        }
    }

    private static let olderCores: Set = [
        "prescott", "core2", "penryn", "dunnington", "nehalem", "sandybridge", "atom", "nano", "athlon",
        "opteron", "opteron_sse3", "barcelona", "bobcat", "bulldozer", "piledriver", "steamroller",
    ]
    private static let avx2Cores: Set = ["haswell", "zen", "excavator"]

    /// Starts this program anew with `variable` set, where that is faster and the user has not set it; else
    /// returns.
    ///
    /// To be called first of all, by programs and not by libraries: whatever the process has done so far is
    /// done again. The variable being set keeps it from happening twice.
    package static func restartWithBetterCore() {
        #if os(Linux)
            guard ProcessInfo.processInfo.environment[variable] == nil, let core = betterCore else { return }
            unsafe setenv(variable, core, 1)
            unsafe setenv(replacedVariable, OpenBLAS.coreName, 1)
            _ = unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
            // Without /proc there is no way: OpenBLAS's own choice has to do.
            unsafe unsetenv(variable)
            unsafe unsetenv(replacedVariable)
        #endif
    }
}
