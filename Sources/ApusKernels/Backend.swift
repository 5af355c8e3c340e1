import Foundation

/// What computes products and convolutions.
public enum Backend: String, Sendable, Codable, CaseIterable {
    /// OpenBLAS's `cblas_sgemm`, on matrices that im2col writes.
    case gemm
    /// The vector kernels of our own, wherever they were measured to be faster.
    case vector

    /// The variable of the environment that names a backend.
    package static let variable = "APUS_BACKEND"

    /// The one in use unless another is asked for: the vector kernels where they were measured, or what `APUS_BACKEND`
    /// names in the environment.
    public static let preferred: Backend = {
        let measured: [Machine.InstructionSet] = [.avx2, .avx512]
        return named.flatMap(Self.init(rawValue:))
            ?? (measured.contains(VectorKernels.instructionSet) ? .vector : .gemm)
    }()

    /// What the environment names where there is no such backend: `preferred` passes it over.
    package static var misnamed: String? { named.flatMap { Self(rawValue: $0) == nil ? $0 : nil } }

    /// An empty text counts as none.
    private static let named = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
}
