import CVectorKernels

/// 5x5 convolutions of stride 1 with fewer multiplications, images last (Lavin and Gray, 2016, "Fast Algorithms for
/// Convolutional Neural Networks").
///
/// A tile of 4x4 outputs is `A^T [(G g G^T) * (B^T d B)] A` of 8x8 inputs d and the kernel g: 64 multiplications in place of
/// 400. Every number is a vector of 16 images. Backward is the adjoint of each step. The matrices are those of the
/// points 0, ±1/2, ±1, ±2 and infinity; their greater sums cancel, and make the rounding error of a result up to 2e-6 of its norm.
enum ImagesLastWinograd {
    private static let products = 64

    private static func tiles(_ geometry: ConvolutionGeometry) -> Int {
        (geometry.output.height + 3) / 4 * ((geometry.output.width + 3) / 4)
    }

    /// Whether a convolution can be computed so, and is faster for it: the transforms of a tile cost about as much
    /// as so many multiply-adds.
    static func isFaster(_ geometry: ConvolutionGeometry) -> Bool {
        typealias Extent = ConvolutionGeometry.Extent
        guard geometry.kernel == Extent(5), geometry.stride == Extent(1), geometry.dilation == Extent(1),
            geometry.groups == 1
        else { return false }
        let (inputs, outputs) = (geometry.input.channels, geometry.output.channels)
        let tile = products * inputs * outputs + 600 * inputs + 400 * outputs
        return tiles(geometry) * tile < geometry.multiplyAdds
    }

    /// Floats of the transformed weights.
    static func preparedCount(_ geometry: ConvolutionGeometry) -> Int {
        products * geometry.input.channels * geometry.output.channels
    }

    static func prepare(_ geometry: ConvolutionGeometry, weights: FloatView, into prepared: FloatView) {
        precondition(prepared.count == preparedCount(geometry))
        unsafe VectorKernels.current.large_weights(
            geometry.input.channels * geometry.output.channels, weights.base, prepared.base)
    }

    /// Floats of scratch: factors of the input and their gradients, and for a panel of output channels the products, the
    /// gradient of the weights' factors, and the products with one of these, transposed.
    static func scratchCount(_ geometry: ConvolutionGeometry) -> Int {
        let (inputs, panel) = (geometry.input.channels, Int(apus_winograd_images_panel))
        let places = tiles(geometry) * Int(apus_chunk)
        return products * (places * (2 * inputs + panel) + panel * inputs) + places * panel
    }
}
