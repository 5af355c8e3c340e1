/// A way to compute a convolution and its gradients.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// im2col, and products by `cblas_sgemm`.
    case gemm = "im2col + sgemm"
    /// im2col, and products that pack nothing and add the bias and apply the ReLU on the way; channels last.
    case direct = "im2col + direct product"
}

extension ConvolutionGeometry {
    /// The way that is taken in `layout`.
    public func algorithm(_ layout: Layout, _ backend: Backend = .preferred) -> ConvolutionAlgorithm {
        layout == .channelsLast && backend == .vector ? .direct : .gemm
    }
}
