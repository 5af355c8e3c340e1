import Foundation

/// What computes products and convolutions.
public enum Backend: String, Sendable, CaseIterable {
    /// OpenBLAS's `cblas_sgemm`, on matrices that im2col writes.
    case gemm
    /// The vector kernels of our own, wherever they were measured to be faster.
    case vector

    /// The one in use unless another is asked for: the vector kernels where they were measured, or what `APUS_BACKEND`
    /// names in the environment.
    public static let preferred: Backend = {
        let measured: [Machine.InstructionSet] = [.avx2, .avx512]
        return ProcessInfo.processInfo.environment["APUS_BACKEND"].flatMap(Self.init(rawValue:))
            ?? (measured.contains(VectorKernels.instructionSet) ? .vector : .gemm)
    }()
}
