import CVectorKernels

/// 3x3 convolutions of stride 1 with fewer multiplications, channels last (Lavin and Gray, 2016, "Fast Algorithms
/// for Convolutional Neural Networks").
///
/// A tile of 4x4 outputs is `A^T [(G g G^T) * (B^T d B)] A` of 6x6 inputs d and the kernel g: 36 multiplications in
/// place of 144, and, over all channels and many tiles, 36 products of matrices. Backward is the adjoint of each
/// step. The matrices are those of the points 0, ±3/4, ±3/2 and infinity. Sums of intermediate results that cancel
/// make the rounding error up to three times that of the definition's sum.
enum Winograd {
    private static let products = 36

    /// Tiles that are transformed at a time: their factors and products stay in the second-level cache.
    private static func blockTiles(_ geometry: ConvolutionGeometry) -> Int {
        let floats = products * (geometry.input.channels + geometry.output.channels)
        return max(18, (1 << 17) / floats / 6 * 6)
    }

    /// Tiles of an image.
    private static func tiles(_ geometry: ConvolutionGeometry) -> Int {
        (geometry.output.height + 3) / 4 * ((geometry.output.width + 3) / 4)
    }

    /// Whether a convolution can be computed so, and is faster for it: an image has as many tiles as pay for the
    /// transforms of the weights, and they are full enough to halve the multiplications.
    static func isFaster(_ geometry: ConvolutionGeometry) -> Bool {
        typealias Extent = ConvolutionGeometry.Extent
        return geometry.kernel == Extent(3) && geometry.stride == Extent(1) && geometry.dilation == Extent(1)
            && geometry.groups == 1 && geometry.input.channels % Int(apus_chunk) == 0
            && geometry.output.channels % Int(apus_chunk) == 0
            && tiles(geometry) >= 16 && 2 * products * tiles(geometry) <= 9 * geometry.output.pixels
    }

    /// Floats of scratch: factors of the weights and their gradients, factors and products of a block of tiles.
    static func scratchCount(_ geometry: ConvolutionGeometry) -> Int {
        products * (2 * geometry.weightCount / 9)
            + products * blockTiles(geometry) * (geometry.input.channels + geometry.output.channels)
            + DirectProduct.scratchCount
    }

    static func forward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: FloatView, bias: FloatView?,
        rectifies: Bool, share: Share, scratch: FloatView, into output: Tensor
    ) {
        let parts = Parts(geometry, scratch)
        var sliding = geometry.sliding
        unsafe VectorKernels.current.winograd_weights(
            geometry.input.channels, geometry.output.channels, weights.base, parts.weights.base)
        parts.forEachBlock(share.range(of: input.batch * tiles(geometry))) { block in
            unsafe VectorKernels.current.winograd_input(
                &sliding, input.base, input.rowStride, block.lowerBound, block.count, parts.factors.base)
            parts.forEachProduct(tiles: block.count) { factors, weights, _, products, _ in
                DirectProduct.multiply(factors, weights, into: products, scratch: parts.panel)
            }
            unsafe VectorKernels.current.winograd_output(
                &sliding, geometry.output.channels, parts.products.base, block.lowerBound, block.count,
                bias?.base, rectifies, output.base, output.rowStride)
        }
    }

    /// See `Convolution.backward`; the input's gradient must be cleared before, and is added.
    static func backward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: FloatView, outputGradient: Tensor,
        rectifiedOutput: Tensor?, scratch: FloatView, weightGradient: FloatView?, biasGradient: FloatView?,
        inputGradient: Tensor?
    ) {
        let parts = Parts(geometry, scratch)
        let (inputs, outputs) = (geometry.input.channels, geometry.output.channels)
        var sliding = geometry.sliding
        if inputGradient != nil {
            unsafe VectorKernels.current.winograd_weights(inputs, outputs, weights.base, parts.weights.base)
        }
        if weightGradient != nil { parts.weightGradient.fill(0) }
        parts.forEachBlock(0..<input.batch * tiles(geometry)) { block in
            unsafe VectorKernels.current.winograd_output_gradient(
                &sliding, outputs, outputGradient.base, outputGradient.rowStride, rectifiedOutput?.base,
                rectifiedOutput?.rowStride ?? 0, block.lowerBound, block.count, parts.products.base,
                biasGradient?.base)
            if weightGradient != nil {
                unsafe VectorKernels.current.winograd_input(
                    &sliding, input.base, input.rowStride, block.lowerBound, block.count,
                    parts.factors.base)
                parts.forEachProduct(tiles: block.count) { factors, _, gradient, products, _ in
                    DirectProduct.multiply(
                        factors.transposed, products, into: gradient, adding: true, scratch: parts.panel)
                }
            }
            if let inputGradient {
                parts.forEachProduct(tiles: block.count) { factors, weights, _, products, isFirst in
                    DirectProduct.multiply(
                        products, weights.transposed, into: factors, adding: !isFirst, scratch: parts.panel)
                }
                unsafe VectorKernels.current.winograd_input_gradient(
                    &sliding, parts.factors.base, block.lowerBound, block.count, inputGradient.base,
                    inputGradient.rowStride)
            }
        }
        if let weightGradient {
            unsafe VectorKernels.current.winograd_weights_gradient(
                inputs, outputs, parts.weightGradient.base, weightGradient.base)
        }
    }

    /// What lies where in scratch.
    private struct Parts {
        let geometry: ConvolutionGeometry
        /// `[panel, product, input channel, channel of the panel]`.
        let weights: FloatView
        let weightGradient: FloatView
        /// `[product, tile, input channel]`.
        let factors: FloatView
        /// `[panel, product, tile, channel of the panel]`.
        let products: FloatView
        let panel: FloatView

        init(_ geometry: ConvolutionGeometry, _ scratch: FloatView) {
            self.geometry = geometry
            let tiles = Winograd.blockTiles(geometry)
            var start = 0
            func take(_ count: Int) -> FloatView {
                start += count
                return scratch.slice(start - count..<start)
            }
            let weightCount = Winograd.products * geometry.weightCount / 9
            weights = take(weightCount)
            weightGradient = take(weightCount)
            factors = take(Winograd.products * tiles * geometry.input.channels)
            products = take(Winograd.products * tiles * geometry.output.channels)
            panel = take(DirectProduct.scratchCount)
        }

        func forEachBlock(_ tiles: Range<Int>, _ body: (Range<Int>) -> Void) {
            let most = Winograd.blockTiles(geometry)
            for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: most) {
                body(first..<min(first + most, tiles.upperBound))
            }
        }

        /// Calls `body` with the matrices of each panel and product: factors of tiles by input channels, weights and
        /// their gradient of input by output channels, products of tiles by output channels.
        @inline(__always)
        func forEachProduct(
            tiles: Int,
            _ body: (
                _ factors: MatrixView, _ weights: MatrixView, _ weightGradient: MatrixView,
                _ products: MatrixView, _ isFirst: Bool
            ) -> Void
        ) {
            let (inputs, outputs) = (geometry.input.channels, geometry.output.channels)
            for panel in stride(from: 0, to: outputs, by: Int(apus_winograd_panel)) {
                let width = min(Int(apus_winograd_panel), outputs - panel)
                for product in 0..<Winograd.products {
                    let place = panel * Winograd.products + product * width
                    func matrix(_ view: FloatView, rows: Int) -> MatrixView {
                        view.slice(place * rows..<(place + width) * rows).matrix(rows: rows, columns: width)
                    }
                    body(
                        factors.slice(product * tiles * inputs..<(product + 1) * tiles * inputs)
                            .matrix(rows: tiles, columns: inputs),
                        matrix(weights, rows: inputs), matrix(weightGradient, rows: inputs),
                        matrix(products, rows: tiles), panel == 0)
                }
            }
        }
    }
}
