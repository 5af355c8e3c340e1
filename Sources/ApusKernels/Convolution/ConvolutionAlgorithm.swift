/// A way to compute a convolution and its gradients.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// im2col, and products by `cblas_sgemm`.
    case gemm = "im2col + sgemm"
    /// im2col, and products that pack nothing and add the bias and apply the ReLU on the way; channels last.
    case direct = "im2col + direct product"
    /// Winograd's F(4x4, 3x3), channels last.
    case winograd = "Winograd F(4x4, 3x3)"
}

extension ConvolutionGeometry {
    /// The way that is taken in `layout`.
    public func algorithm(_ layout: Layout, _ backend: Backend = .preferred) -> ConvolutionAlgorithm {
        guard layout == .channelsLast, backend == .vector else { return .gemm }
        return Winograd.isFaster(self) ? .winograd : .direct
    }
}
