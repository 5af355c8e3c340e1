import CVectorKernels

/// 5x5 convolutions of a single channel and stride 1 with fewer multiplications, images last: those of each row of the kernel
/// by Winograd's F(4, 5).
///
/// Four outputs of a row are `A^T (sum of (G g) * (B^T d))` over the kernel's rows g and eight inputs d: 40 multiplications in place
/// of 100. In two directions they would be 16, but with a single channel there are no sums to pay for the transforms of a tile; and in
/// one direction numbers grow less: the rounding error of the output is three times that of the definition in single precision.
/// The matrices are those of `ImagesLastWinograd`.
enum ImagesLastRowWinograd {
    private static let (factors, tapRows) = (8, 5)

    /// Whether a convolution can be computed so, and is faster for it.
    static func isFaster(_ geometry: ConvolutionGeometry) -> Bool {
        guard geometry.isFiveByFive, geometry.input.channels == 1 else { return false }
        // In multiply-adds: what four rows of four pixels take, and the transforms of the input they need.
        let maps = geometry.output.channels
        return geometry.outputTiles * (230 * maps + 100) < geometry.shownTaps * maps
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

    /// Floats of scratch: factors of four columns of the input and of a map's gradient, and sums of products of these and of that
    /// gradient, for each image.
    static func scratchCount(_ geometry: ConvolutionGeometry) -> Int {
        let rows = (geometry.output.height + 3) / 4 * 4 + tapRows - 1
        let sums = preparedCount(geometry) + (geometry.output.channels + 3) / 4 * 4
        return Int(apus_chunk) * (factors * (rows + geometry.output.height) + sums)
    }

    /// The output of a block of images; or where there are `places`, a ReLU's 2x2 maxima and those, 255 for what is not above zero.
    @unsafe
    static func forward(
        _ geometry: ConvolutionGeometry, input: UnsafePointer<Float>, weights: ConvolutionWeights,
        bias: FloatView?, rectifies: Bool, scratch: FloatView, into output: UnsafeMutablePointer<Float>,
        places: UnsafeMutablePointer<UInt8>? = nil
    ) {
        let prepared = weights.prepared!
        check(geometry, prepared, scratch: scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.convolve_images_rows(
            &sliding, geometry.output.channels, input, prepared.base, bias?.base, rectifies, scratch.base,
            output, places)
    }

    /// Adds the gradients of the weights and the bias, of the first `images` of a block; either may be nil. Where there are `places`,
    /// `outputGradient` is that of their maxima.
    @unsafe
    static func backward(
        _ geometry: ConvolutionGeometry, images: Int, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, places: UnsafePointer<UInt8>? = nil, scratch: FloatView,
        weightGradient: FloatView?, biasGradient: FloatView?
    ) {
        guard weightGradient != nil || biasGradient != nil else { return }
        check(geometry, nil, scratch: scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.convolve_images_rows_gradients(
            &sliding, geometry.output.channels, images, input, outputGradient, places, scratch.base,
            weightGradient?.base, biasGradient?.base)
    }

    private static func check(
        _ geometry: ConvolutionGeometry, _ prepared: FloatView?, scratch: FloatView? = nil
    ) {
        precondition(geometry.isFiveByFive && geometry.input.channels == 1)
        precondition(prepared.map { $0.count == preparedCount(geometry) } ?? true)
        precondition(scratch.map { $0.count >= scratchCount(geometry) } ?? true)
    }
}
