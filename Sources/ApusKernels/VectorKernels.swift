import CVectorKernels
import Foundation

/// The C loops for this processor.
///
/// They exist because Swift's vectors compile for the oldest processor of an architecture: in a step of
/// LeNet-5 they take less than half the time of the same loops in Swift.
enum VectorKernels {
    /// The instruction set in use: the widest there is, or the narrower one that `APUS_ISA` names.
    static let instructionSet: Machine.InstructionSet = {
        let widest = Machine.instructionSet
        let asked = ProcessInfo.processInfo.environment["APUS_ISA"]
            .flatMap(Machine.InstructionSet.init(rawValue:))
        return asked.map { min($0, widest) } ?? widest
    }()

    static let current: apus_kernels = kernels(for: instructionSet)

    /// The loops for an instruction set this processor supports.
    static func kernels(for instructionSet: Machine.InstructionSet) -> apus_kernels {
        unsafe apus_kernels_for(instructionSet.code).pointee
    }
}

extension Machine.InstructionSet {
    var code: apus_isa {
        switch self {
        case .portable: apus_isa_portable
        case .neon: apus_isa_neon
        case .avx2: apus_isa_avx2
        case .avx512: apus_isa_avx512
        }
    }
}
