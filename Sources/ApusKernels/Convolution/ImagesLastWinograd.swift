import CVectorKernels

/// 5x5 convolutions of stride 1 with fewer multiplications, images last (Lavin and Gray, 2016, "Fast Algorithms for
/// Convolutional Neural Networks").
///
/// A tile of 4x4 outputs is `A^T [(G g G^T) * (B^T d B)] A` of 8x8 inputs d and the kernel g: 64 multiplications in place of
/// 400. Every number is a vector of 16 images. Backward is the adjoint of each step. The matrices are those of the
/// points 0, ±1/2, ±1, ±2 and infinity; their greater sums cancel, and round more (Benchmarks/RESULTS.md has the errors).
/// Where one or two pixels are left over along a side, the last tile is two wide: that is F(2, 5) by all points but ±1, with
/// the same factors of the weights, and six multiplications in place of eight.
/// By the definition a weight that met only zeros has no gradient at all; here, it has that of rounding.
enum ImagesLastWinograd {
    private static let products = 64

    /// Whether a convolution can be computed so, and is faster for it: to transform a factor or a product costs about as much
    /// as so many multiply-adds, and what is made of a map is no more than a cache holds.
    static func isFaster(_ geometry: ConvolutionGeometry) -> Bool {
        guard geometry.isFiveByFive, scratchCount(geometry) <= 1 << 20 else { return false }
        let (inputs, outputs) = (geometry.input.channels, geometry.output.channels)
        let products = points(along: geometry.output.height) * points(along: geometry.output.width)
        return products * (inputs * outputs + 8 * inputs + 5 * outputs) < geometry.shownTaps * inputs
            * outputs
    }

    /// Points of all tiles along a side of the output.
    private static func points(along extent: Int) -> Int {
        let side = apus_winograd_side_of(extent)
        return 8 * side.whole + 6 * (side.all - side.whole)
    }

    /// Floats of the transformed weights.
    static func preparedCount(_ geometry: ConvolutionGeometry) -> Int {
        products * geometry.weightCount / 25
    }

    static func prepare(
        _ geometry: ConvolutionGeometry, weights: FloatView, share: Share, into prepared: FloatView
    ) {
        check(geometry, prepared)
        let (pairs, chunk) = (geometry.input.channels * geometry.output.channels, Int(apus_chunk))
        let chunks = share.range(of: (pairs + chunk - 1) / chunk)
        unsafe VectorKernels.current.convolve_images_winograd_weights(
            pairs, chunks.lowerBound * chunk, min(chunks.upperBound * chunk, pairs), weights.base,
            prepared.base)
    }

    /// Floats of scratch: factors of the input and their gradients, and for a panel of output channels four columns and a row
    /// of the products, and the gradient of the weights' factors.
    static func scratchCount(_ geometry: ConvolutionGeometry) -> Int {
        let (inputs, chunk) = (geometry.input.channels, Int(apus_chunk))
        let panel = apus_winograd_images_panel(geometry.output.channels, geometry.outputTiles)
        let width = (panel + chunk - 1) / chunk * chunk
        let factors = 2 * products * inputs + (4 + 1) * 8 * panel
        return geometry.outputTiles * chunk * factors + products * width * inputs
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
        unsafe VectorKernels.current.convolve_images_winograd(
            &sliding, geometry.output.channels, input, prepared.base, bias?.base, rectifies, scratch.base,
            output)
    }

    /// Adds or writes the gradients of the weights, of the first `images` of a block, and of the input; either may be nil.
    @unsafe
    static func backward(
        _ geometry: ConvolutionGeometry, images: Int, input: UnsafePointer<Float>,
        outputGradient: UnsafePointer<Float>, weights: ConvolutionWeights, scratch: FloatView,
        weightGradient: FloatView?, addingToWeights: Bool, inputGradient: UnsafeMutablePointer<Float>?,
        adding: Bool
    ) {
        guard unsafe weightGradient != nil || inputGradient != nil else { return }
        // Weights are read for the input's gradient alone.
        let prepared = unsafe inputGradient.map { _ in weights.prepared! }
        check(geometry, prepared, scratch: scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.convolve_images_winograd_gradients(
            &sliding, geometry.output.channels, images, input, outputGradient, prepared?.base, scratch.base,
            addingToWeights, weightGradient?.base, adding, inputGradient)
    }

    private static func check(
        _ geometry: ConvolutionGeometry, _ prepared: FloatView?, scratch: FloatView? = nil
    ) {
        precondition(geometry.isFiveByFive)
        precondition(prepared.map { $0.count == preparedCount(geometry) } ?? true)
        precondition(scratch.map { $0.count >= scratchCount(geometry) } ?? true)
    }
}
