import CVectorKernels

/// 5x5 convolutions of a single channel and stride 1 with fewer multiplications, images last: those of each row of the kernel
/// by Winograd's F(4, 5).
///
/// Four outputs of a row are `A^T (sum of (G g) * (B^T d))` over the kernel's rows g and eight inputs d: 40 multiplications in place
/// of 100. In two directions they would be 16, but with a single channel there are no sums to pay for the transforms of a tile; and in
/// one direction numbers grow less, so that results are as good as the definition's in single precision, but for a few roundings.
/// The matrices are those of `ImagesLastWinograd`.
enum ImagesLastRowWinograd {
    private static let (factors, tapRows) = (8, 5)

    /// Whether a convolution can be computed so, and is faster for it.
    static func isFaster(_ geometry: ConvolutionGeometry) -> Bool {
        guard geometry.isFiveByFive, geometry.input.channels == 1 else { return false }
        // In multiply-adds: what four rows of four pixels take, and the transforms of the input they need.
        let (output, maps) = (geometry.output, geometry.output.channels)
        let tiles = (output.height + 3) / 4 * ((output.width + 3) / 4)
        return tiles * (230 * maps + 100) < geometry.shownTaps * maps
    }

    /// Floats of the transformed weights.
    static func preparedCount(_ geometry: ConvolutionGeometry) -> Int {
        geometry.output.channels * tapRows * factors
    }

    static func prepare(_ geometry: ConvolutionGeometry, weights: FloatView, into prepared: FloatView) {
        check(geometry, prepared)
        unsafe VectorKernels.current.convolve_images_row_weights(
            geometry.output.channels, weights.base, prepared.base)
    }

    /// Floats of scratch: factors of four columns of the input and of a map's gradient, and sums of products of these, for each
    /// image.
    static func scratchCount(_ geometry: ConvolutionGeometry) -> Int {
        let rows = (geometry.output.height + 3) / 4 * 4 + tapRows - 1
        return Int(apus_chunk) * (factors * (rows + geometry.output.height) + preparedCount(geometry))
    }

    /// The output of a block of images.
    @unsafe
    static func forward(
        _ geometry: ConvolutionGeometry, input: UnsafePointer<Float>, weights: ConvolutionWeights,
        bias: FloatView?, rectifies: Bool, scratch: FloatView, into output: UnsafeMutablePointer<Float>
    ) {
        let prepared = weights.prepared!
        check(geometry, prepared, scratch: scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.convolve_images_rows(
            &sliding, geometry.output.channels, input, prepared.base, bias?.base, rectifies, scratch.base,
            output)
    }

    /// Adds the gradient of the weights, of the first `images` of a block.
    @unsafe
    static func addWeightGradient(
        _ geometry: ConvolutionGeometry, images: Int, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, scratch: FloatView, into gradient: FloatView
    ) {
        check(geometry, nil, scratch: scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.convolve_images_rows_gradient(
            &sliding, geometry.output.channels, images, input, outputGradient, scratch.base, gradient.base)
    }

    private static func check(
        _ geometry: ConvolutionGeometry, _ prepared: FloatView?, scratch: FloatView? = nil
    ) {
        precondition(geometry.isFiveByFive && geometry.input.channels == 1)
        precondition(prepared.map { $0.count == preparedCount(geometry) } ?? true)
        precondition(scratch.map { $0.count >= scratchCount(geometry) } ?? true)
    }
}
