import Foundation

/// What multiplies the matrices of convolutions whose channels are last; with channels first it is always GEMM.
public enum ConvolutionBackend: String, Sendable, CaseIterable {
    /// OpenBLAS's `cblas_sgemm`.
    case gemm
    /// A kernel of our own, which multiplies without packing and adds the bias and applies the ReLU on the way.
    case direct

    /// The one in use: our own on the vector units where it was measured to be faster, unless `APUS_BACKEND` names
    /// the other in the environment.
    public static let preferred: ConvolutionBackend = {
        let measured: [Machine.InstructionSet] = [.avx2, .avx512]
        return ProcessInfo.processInfo.environment["APUS_BACKEND"].flatMap(Self.init(rawValue:))
            ?? (measured.contains(VectorKernels.instructionSet) ? .direct : .gemm)
    }()
}
