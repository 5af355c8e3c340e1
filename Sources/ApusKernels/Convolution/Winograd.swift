import CVectorKernels

/// 3x3 convolutions of stride 1 with fewer multiplications, channels last (Lavin and Gray, 2016, "Fast Algorithms
/// for Convolutional Neural Networks").
///
/// A tile of 4x4 outputs is `A^T [(G g G^T) * (B^T d B)] A` of 6x6 inputs d and the kernel g: 36 multiplications in
/// place of 144, and, over all channels and many tiles, 36 products of matrices. Backward is the adjoint of each
/// step. The matrices are those of the points 0, ±3/4, ±3/2 and infinity. Sums of intermediate results that cancel
/// make the rounding error up to three times that of the definition's sum.
///
/// Where pixels are left over along a side, the last tile is as wide as they are: F(1, 3), F(2, 3) or F(3, 3) by some of the
/// same points, with the same factors of the weights. It has no part in the products of the other points.
enum Winograd {
    private static let products = 36

    private static let panelWidth = Int(apus_winograd_panel)

    /// Output channels of the widest panel.
    private static func greatestPanel(_ geometry: ConvolutionGeometry) -> Int {
        min(geometry.output.channels, panelWidth)
    }

    /// Tiles that are transformed at a time: their factors, and the products of a panel, stay in the second-level
    /// cache.
    private static func blockTiles(_ geometry: ConvolutionGeometry) -> Int {
        let channels = geometry.input.channels + greatestPanel(geometry)
        return max(6, (1 << 18) / (products * channels) / 6 * 6)
    }

    /// Whether a convolution can be computed so, and is faster for it: an image has as many tiles as pay for the
    /// transforms of the weights, and half of the multiplications are left or less.
    static func isFaster(_ geometry: ConvolutionGeometry) -> Bool {
        typealias Extent = ConvolutionGeometry.Extent
        return geometry.kernel == Extent(3) && geometry.stride == Extent(1) && geometry.dilation == Extent(1)
            && geometry.groups == 1 && geometry.input.channels % Int(apus_chunk) == 0
            && geometry.output.channels % Int(apus_chunk) == 0
            && geometry.outputTiles >= 16
            && 2 * points(along: geometry.output.height) * points(along: geometry.output.width)
                <= 9 * geometry.output.pixels
    }

    /// Points of all tiles along a side of the output.
    private static func points(along extent: Int) -> Int {
        let lacking = (0..<6).count { apus_winograd_lacks(extent, Int32($0)) }
        return (extent + 3) / 4 * 6 - lacking
    }

    /// Floats of the transformed weights.
    static func preparedCount(_ geometry: ConvolutionGeometry) -> Int {
        products * geometry.weightCount / 9
    }

    /// Transforms the weights, and transposes what comes of it for the input's gradient.
    static func prepare(
        _ geometry: ConvolutionGeometry, weights: FloatView, into prepared: FloatView,
        transposedInto transposed: FloatView?
    ) {
        let count = preparedCount(geometry)
        precondition(prepared.count == count && transposed.map { $0.count == count } ?? true)
        unsafe VectorKernels.current.winograd_weights(
            geometry.input.channels, geometry.output.channels, weights.base, prepared.base,
            transposed?.base)
    }

    /// Floats of scratch: the gradient of the transformed weights, factors of a block of tiles and their gradients,
    /// and products with a panel.
    static func scratchCount(_ geometry: ConvolutionGeometry) -> Int {
        products * geometry.weightCount / 9
            + 2 * blockFloats(geometry, channels: geometry.input.channels)
            + blockFloats(geometry, channels: greatestPanel(geometry))
            + DirectProduct.scratchCount
    }

    /// Floats of all products of a block of tiles.
    private static func blockFloats(_ geometry: ConvolutionGeometry, channels: Int) -> Int {
        products * apus_winograd_spacing(blockTiles(geometry), channels)
    }

    static func forward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, bias: FloatView?,
        rectifies: Bool, share: Share, scratch: FloatView, into output: Tensor
    ) {
        let parts = Parts(geometry, scratch)
        var sliding = geometry.sliding
        let part = part(share, of: input.batch * geometry.outputTiles, geometry)
        parts.forEachBlock(part.tiles) { block in
            unsafe VectorKernels.current.winograd_input(
                &sliding, input.base, input.rowStride, block.lowerBound, block.count, parts.factors.base)
            parts.forEachPanel { panel in
                guard part.channels.contains(panel.lowerBound) else { return }
                for product in 0..<products {
                    let tiles = parts.tiles(of: product, in: block)
                    guard tiles.count > 0 else { continue }
                    DirectProduct.multiply(
                        parts.factors(product, tiles),
                        parts.weights(product, panel, in: weights.prepared!),
                        into: parts.products(product, panel, tiles), scratch: parts.panel)
                }
                unsafe VectorKernels.current.winograd_output(
                    &sliding, panel.count, parts.products.base, block.lowerBound, block.count,
                    bias.map { unsafe $0.base + panel.lowerBound }, rectifies,
                    output.base + panel.lowerBound, output.rowStride)
            }
        }
    }

    /// What a share computes: some tiles of all output channels; or, where all weights are more to read than the factors of all
    /// tiles and what becomes of them, and panels of channels can be dealt alike, all tiles of some panels.
    private static func part(
        _ share: Share, of tiles: Int, _ geometry: ConvolutionGeometry
    ) -> (tiles: Range<Int>, channels: Range<Int>) {
        let (inputs, outputs) = (geometry.input.channels, geometry.output.channels)
        let panels = (outputs + panelWidth - 1) / panelWidth
        guard inputs * outputs > tiles * (inputs + outputs), panels % share.count == 0 else {
            return (share.range(of: tiles), 0..<outputs)
        }
        let own = share.range(of: panels)
        return (0..<tiles, own.lowerBound * panelWidth..<own.upperBound * panelWidth)
    }

    /// See `Convolution.backward`; the input's gradient must be cleared before, and is added.
    static func backward(
        _ geometry: ConvolutionGeometry, input: Tensor, weights: ConvolutionWeights, outputGradient: Tensor,
        rectifiedOutput: Tensor?, scratch: FloatView, weightGradient: FloatView?, addingToWeights: Bool,
        biasGradient: FloatView?, inputGradient: Tensor?
    ) {
        let parts = Parts(geometry, scratch)
        var sliding = geometry.sliding
        let tiles = 0..<input.batch * geometry.outputTiles
        if tiles.isEmpty && !addingToWeights { weightGradient?.fill(0) }
        parts.forEachBlock(tiles) { block in
            if weightGradient != nil {
                unsafe VectorKernels.current.winograd_input(
                    &sliding, input.base, input.rowStride, block.lowerBound, block.count,
                    parts.factors.base)
            }
            parts.forEachPanel { panel in
                // Where there is but one block, each panel's gradient takes the place of the one before, which is in
                // cache.
                let place = block == tiles ? 0..<panel.count : panel
                unsafe VectorKernels.current.winograd_output_gradient(
                    &sliding, panel.count, outputGradient.base + panel.lowerBound, outputGradient.rowStride,
                    rectifiedOutput.map { unsafe $0.base + panel.lowerBound },
                    rectifiedOutput?.rowStride ?? 0, block.lowerBound, block.count, parts.products.base,
                    biasGradient.map { unsafe $0.base + panel.lowerBound })
                for product in 0..<products {
                    let tiles = parts.tiles(of: product, in: block)
                    guard tiles.count > 0 else {
                        if weightGradient != nil && block.lowerBound == 0 {
                            parts.clearWeightGradient(product, place)
                        }
                        continue
                    }
                    let gradient = parts.products(product, panel, tiles)
                    if weightGradient != nil {
                        DirectProduct.multiply(
                            parts.factors(product, tiles).transposed, .plain(gradient),
                            into: parts.weightGradient(product, place),
                            adding: block.lowerBound > 0, last: true, scratch: parts.panel)
                    }
                    if inputGradient != nil {
                        DirectProduct.multiply(
                            gradient,
                            parts.transposedWeights(product, panel, in: weights.preparedForBackward!),
                            into: parts.factorGradients(product, tiles),
                            adding: panel.lowerBound > 0, last: true, scratch: parts.panel)
                    }
                }
                if let weightGradient, block.upperBound == tiles.upperBound {
                    unsafe VectorKernels.current.winograd_weights_gradient(
                        geometry.input.channels, panel.count,
                        parts.weightGradient(0, place).base, addingToWeights,
                        weightGradient.base + panel.lowerBound, geometry.output.channels)
                }
            }
            if let inputGradient {
                unsafe VectorKernels.current.winograd_input_gradient(
                    &sliding, parts.factorGradients.base, block.lowerBound, block.count,
                    inputGradient.base, inputGradient.rowStride)
            }
        }
    }

    /// What lies where in scratch.
    private struct Parts {
        let geometry: ConvolutionGeometry
        /// `[panel, product, input channel, channel of the panel]`; of one panel at a time where there is one block.
        let weightGradient: FloatView
        /// `[product, tile, input channel]`, products `apus_winograd_spacing` apart.
        let factors: FloatView
        let factorGradients: FloatView
        /// `[product, tile, channel of the panel]`, likewise.
        let products: FloatView
        /// For `DirectProduct`.
        let panel: FloatView

        init(_ geometry: ConvolutionGeometry, _ scratch: FloatView) {
            self.geometry = geometry
            var start = 0
            func take(_ count: Int) -> FloatView {
                start += count
                return scratch.slice(start - count..<start)
            }
            weightGradient = take(Winograd.products * geometry.weightCount / 9)
            factors = take(Winograd.blockFloats(geometry, channels: geometry.input.channels))
            factorGradients = take(factors.count)
            products = take(Winograd.blockFloats(geometry, channels: Winograd.greatestPanel(geometry)))
            panel = take(DirectProduct.scratchCount)
        }

        func forEachBlock(_ tiles: Range<Int>, _ body: (Range<Int>) -> Void) {
            guard !tiles.isEmpty else { return }
            let most = Winograd.blockTiles(geometry)
            let blocks = (tiles.count + most - 1) / most
            // Blocks are alike, but most products take six rows at a time.
            let alike = (tiles.count + 6 * blocks - 1) / (6 * blocks) * 6
            for first in stride(from: tiles.lowerBound, to: tiles.upperBound, by: alike) {
                body(first..<min(first + alike, tiles.upperBound))
            }
        }

        /// Calls `body` with the output channels of each panel.
        func forEachPanel(_ body: (Range<Int>) -> Void) {
            let channels = geometry.output.channels
            for first in stride(from: 0, to: channels, by: Winograd.panelWidth) {
                body(first..<min(first + Winograd.panelWidth, channels))
            }
        }

        /// Tiles of a block that have a product, and all that there is room for.
        typealias Tiles = (count: Int, room: Int)

        func tiles(of product: Int, in block: Range<Int>) -> Tiles {
            let (height, width) = (geometry.output.height, geometry.output.width)
            let rowLacks = apus_winograd_lacks(height, Int32(product / 6))
            let columnLacks = apus_winograd_lacks(width, Int32(product % 6))
            let end = apus_winograd_tiles(height, width, block.upperBound, rowLacks, columnLacks)
            return (
                end - apus_winograd_tiles(height, width, block.lowerBound, rowLacks, columnLacks), block.count
            )
        }

        /// Tiles by input channels.
        func factors(_ product: Int, _ tiles: Tiles) -> MatrixView {
            matrix(product, tiles, channels: geometry.input.channels, in: factors)
        }

        func factorGradients(_ product: Int, _ tiles: Tiles) -> MatrixView {
            matrix(product, tiles, channels: geometry.input.channels, in: factorGradients)
        }

        /// Tiles by channels of the panel.
        func products(_ product: Int, _ panel: Range<Int>, _ tiles: Tiles) -> MatrixView {
            matrix(product, tiles, channels: panel.count, in: products)
        }

        /// Input channels by channels of the panel.
        func weightGradient(_ product: Int, _ panel: Range<Int>) -> MatrixView {
            element(
                product, geometry.input.channels * panel.count, in: part(of: weightGradient, panel)
            ).matrix(rows: geometry.input.channels, columns: panel.count)
        }

        func clearWeightGradient(_ product: Int, _ panel: Range<Int>) {
            let count = geometry.input.channels * panel.count
            element(product, count, in: part(of: weightGradient, panel)).fill(0)
        }

        /// Input channels by channels of the panel.
        func weights(
            _ product: Int, _ panel: Range<Int>, in prepared: FloatView
        ) -> DirectProduct.SecondFactor {
            packed(product, panel, rows: geometry.input.channels, columns: panel.count, in: prepared)
        }

        /// Channels of the panel by input channels.
        func transposedWeights(
            _ product: Int, _ panel: Range<Int>, in prepared: FloatView
        ) -> DirectProduct.SecondFactor {
            packed(product, panel, rows: panel.count, columns: geometry.input.channels, in: prepared)
        }

        private func packed(
            _ product: Int, _ panel: Range<Int>, rows: Int, columns: Int, in prepared: FloatView
        ) -> DirectProduct.SecondFactor {
            .packed(
                element(product, rows * columns, in: part(of: prepared, panel)), rows: rows, columns: columns)
        }

        /// From a panel's matrices on.
        private func part(of view: FloatView, _ panel: Range<Int>) -> FloatView {
            view.slice(
                Winograd.products * panel.lowerBound * geometry.input.channels..<view.count)
        }

        private func element(_ index: Int, _ count: Int, in view: FloatView) -> FloatView {
            view.slice(index * count..<(index + 1) * count)
        }

        private func matrix(
            _ product: Int, _ tiles: Tiles, channels: Int, in view: FloatView
        ) -> MatrixView {
            let start = product * apus_winograd_spacing(tiles.room, channels)
            return view.slice(start..<start + tiles.count * channels)
                .matrix(rows: tiles.count, columns: channels)
        }
    }
}
