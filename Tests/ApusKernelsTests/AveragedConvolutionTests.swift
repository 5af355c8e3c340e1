import ApusKernels
import ReferenceKernels
import TestSupport
import Testing

@Suite(
    "A 1x1 convolution fused with its ReLU and the mean of each channel gives what the three give one after the other"
)
struct AveragedConvolutionTests {
    /// Words of bits filled up to each choice of five, pixels and channels both, one channel, several shares of them, tiles that end
    /// within a word, zeros to leave out, and depths of more than a panel.
    static let cases = [
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(1, 31), inputChannels: 16, outputChannels: 1, kernel: 1),
        ConvolutionCase(batch: 3, input: 6, inputChannels: 48, outputChannels: 37, kernel: 1),
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(4, 11), inputChannels: 16, outputChannels: 44, kernel: 1),
        ConvolutionCase(batch: 3, input: 7, inputChannels: 80, outputChannels: 53, kernel: 1),
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(6, 9), inputChannels: 32, outputChannels: 200, kernel: 1),
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(9, 10), inputChannels: 16, outputChannels: 95, kernel: 1),
        manyTiles,
        ConvolutionCase(
            batch: 2, input: 8, inputChannels: 256, outputChannels: 300, kernel: 1, isRectified: true),
        ConvolutionCase(batch: 1, input: 6, inputChannels: 528, outputChannels: 528, kernel: 1),
    ]

    static let manyTiles = ConvolutionCase(
        batch: 2, input: ReferenceExtent(16, 32), inputChannels: 32, outputChannels: 300, kernel: 1)

    @Test func tilesEndWithinWords() {
        let (geometry, word) = (Self.manyTiles.geometry, 30)
        let tiles = (2 * geometry.output.pixels + geometry.tilePixels - 1) / geometry.tilePixels
        let tile = (2 * geometry.output.pixels + tiles - 1) / tiles
        #expect(tiles == 3 && tile % word != 0 && (2 * tile - geometry.output.pixels) % word != 0)
    }

    @Test(arguments: cases)
    func isTheSame(convolution: ConvolutionCase) {
        let (geometry, batch) = (convolution.geometry, convolution.batch)
        let fused = AveragedConvolution(geometry, .direct)
        let means = Shape.features(geometry.output.channels)
        let pooling = PoolingGeometry(
            input: geometry.output, output: means,
            kernel: .init(height: geometry.output.height, width: geometry.output.width), stride: .init(1),
            padding: .init(0))
        let weights = integerTensor(convolution.weightShape, seed: 2)
        withMemory { memory in
            func maps(_ shape: Shape) -> Tensor {
                memory.tensor(batch: batch, shape, .channelsLast, margin: 1)
            }
            let x = memory.tensor(convolution.integerInput(seed: 1), .channelsLast, margin: 1)
            let w = memory.weights(weights.outputLast, geometry, .direct)
            let bias = memory.view(integers(count: convolution.outputChannels, seed: 3))
            let (map, mapGradient) = (maps(geometry.output), maps(geometry.output))
            let outputs = [maps(means), maps(means)]
            // A pixel's part of each is a whole number, so that sums are exact in any order; rounding spares these maps.
            let pixels = Float(geometry.output.pixels)
            #expect((-4...4).allSatisfy { Float($0) * pixels * (1 / pixels) == Float($0) })
            let whole = integerTensor([batch, means.channels, 1, 1], seed: 4)
            let upstream = memory.tensor(
                ReferenceTensor(shape: whole.shape, values: whole.values.map { $0 * pixels }), .channelsLast,
                margin: 1)
            let inputGradients = [maps(geometry.input), maps(geometry.input)]
            let gradients = (0..<4).map { memory.view(count: $0 < 2 ? weights.values.count : bias.count) }
            for gradient in gradients { gradient.fill(0) }

            let scratch = memory.view(
                count: geometry.scratchCount(.channelsLast, algorithm: .direct, rectifies: true))
            Convolution.forward(
                geometry, input: x, weights: w, bias: bias, rectifies: true, algorithm: .direct,
                scratch: scratch, into: map)
            Pooling.average(pooling, countsPadding: false, input: map, into: outputs[0])
            func backwardApart(_ weights: FloatView?, _ bias: FloatView?, _ input: GradientDestination) {
                Pooling.averageGradient(
                    pooling, countsPadding: false, outputGradient: upstream,
                    inputGradient: .overwrite(mapGradient))
                Convolution.backward(
                    geometry, input: x, weights: w, outputGradient: mapGradient, rectifiedOutput: map,
                    algorithm: .direct, scratch: scratch, weightGradient: weights, biasGradient: bias,
                    inputGradient: input)
            }
            let ownScratch = memory.view(count: fused.scratchCount)
            let positives = memory.view(count: batch * fused.savedCount)
            func backward(_ weights: FloatView?, _ bias: FloatView?, _ input: GradientDestination) {
                fused.backward(
                    input: x, weights: w, positives: positives, outputGradient: upstream,
                    scratch: ownScratch, weightGradient: weights, biasGradient: bias, inputGradient: input)
            }

            // In shares, as threads do it together where no gradient follows.
            let shared = maps(means)
            for share in 0..<3 {
                fused.forward(
                    input: x, weights: w, bias: bias, share: Share(share, of: 3), scratch: ownScratch,
                    into: shared, positives: positives, keepsPositives: false)
            }
            fused.forward(
                input: x, weights: w, bias: bias, scratch: ownScratch, into: outputs[1],
                positives: positives)
            expectEqual(outputs[1].channelsFirstArray, outputs[0].channelsFirstArray, "output")
            expectEqual(shared.channelsFirstArray, outputs[0].channelsFirstArray, "output in shares")

            // Gradients are written or added, and those that nobody wants left out.
            for (wantsWeights, wantsBias, target) in [
                (true, true, Target.overwrite), (true, false, .add), (false, true, .add), (false, false, nil),
            ] {
                func destination(_ index: Int) -> GradientDestination {
                    target?.destination(inputGradients[index]) ?? .discard
                }
                backwardApart(
                    wantsWeights ? gradients[0] : nil, wantsBias ? gradients[2] : nil, destination(0))
                backward(wantsWeights ? gradients[1] : nil, wantsBias ? gradients[3] : nil, destination(1))
            }
            expectEqual(
                inputGradients[1].channelsFirstArray, inputGradients[0].channelsFirstArray, "input")
            expectEqual(gradients[1].array, gradients[0].array, "weights")
            expectEqual(gradients[3].array, gradients[2].array, "bias")
            // Written, whatever was there.
            gradients[0].fill(0)
            backwardApart(gradients[0], nil, .discard)
            gradients[1].fill(.nan)
            fused.backward(
                input: x, weights: w, positives: positives, outputGradient: upstream, scratch: ownScratch,
                weightGradient: gradients[1], addingToWeights: false, biasGradient: nil,
                inputGradient: .discard)
            expectEqual(gradients[1].array, gradients[0].array, "weights, written")
            for gradient in gradients { #expect(gradient.array.contains { $0 != 0 }) }
        }
    }

    @Test func isForPointwiseConvolutionsOfWholeVectorsByDirectProductsOnMapsOfSixteenPixels() {
        func isPossible(_ convolution: ConvolutionCase, _ algorithm: ConvolutionAlgorithm = .direct) -> Bool {
            AveragedConvolution.isPossible(convolution.geometry, algorithm)
        }
        let pointwise = ConvolutionCase(inputChannels: 32, kernel: 1)
        #expect(isPossible(pointwise))
        #expect(!isPossible(pointwise, .gemm))
        #expect(!isPossible(ConvolutionCase(inputChannels: 20, kernel: 1)))
        #expect(!isPossible(ConvolutionCase(inputChannels: 32, kernel: 3, padding: 1)))
        #expect(!isPossible(ConvolutionCase(inputChannels: 32, kernel: 1, stride: 2)))
        #expect(!isPossible(ConvolutionCase(inputChannels: 32, outputChannels: 18, kernel: 1, groups: 2)))
        #expect(isPossible(ConvolutionCase(input: 4, inputChannels: 32, kernel: 1)))
        #expect(!isPossible(ConvolutionCase(input: ReferenceExtent(3, 5), inputChannels: 32, kernel: 1)))
    }
}
