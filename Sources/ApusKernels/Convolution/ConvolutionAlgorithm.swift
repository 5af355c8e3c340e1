/// A way to compute a convolution and its gradients.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable {
    /// im2col, and products by `cblas_sgemm`.
    case gemm = "im2col + sgemm"
    /// Products that pack no activations, and add the bias and apply the ReLU on the way; channels last. What is lowered is so
    /// by im2col, but windows that are rows of memory are not. With the widest weights zeros of activations and gradients are left
    /// out where they are many; where they are few, the gradient of the weights is `cblas_sgemm`'s.
    case direct = "direct product"
    /// Winograd's F(4x4, 3x3), channels last.
    case winograd = "Winograd F(4x4, 3x3)"
    /// Loops of our own, which lower nothing; images last.
    case imagesLast = "direct, images last"
    /// Winograd's F(4x4, 5x5), images last.
    case imagesLastWinograd = "Winograd F(4x4, 5x5), images last"
    /// Winograd's F(4, 5) along rows, of a single channel; images last.
    case imagesLastRowWinograd = "Winograd F(4, 5), images last"

    /// Whether it multiplies less often than the definition, and its fractions round even where inputs are whole numbers.
    public var isWinograd: Bool {
        switch self {
        case .gemm, .direct, .imagesLast: false
        case .winograd, .imagesLastWinograd, .imagesLastRowWinograd: true
        }
    }
}

extension ConvolutionGeometry {
    /// The way that is taken in `layout`.
    public func algorithm(_ layout: Layout, _ backend: Backend = .preferred) -> ConvolutionAlgorithm {
        switch layout {
        case .channelsFirst: .gemm
        case .channelsLast: backend == .gemm ? .gemm : Winograd.isFaster(self) ? .winograd : .direct
        case .imagesLast where backend == .gemm: .imagesLast
        case .imagesLast:
            ImagesLastRowWinograd.isFaster(self)
                ? .imagesLastRowWinograd
                : ImagesLastWinograd.isFaster(self) ? .imagesLastWinograd : .imagesLast
        }
    }
}
