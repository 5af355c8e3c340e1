import ApusKernels
import ReferenceKernels
import TestSupport
import Testing

@Suite("A convolution fused with its ReLU and pool gives what the three give one after the other")
struct PooledConvolutionTests {
    struct Pool: Sendable, CustomTestStringConvertible {
        let kernel: Int
        let stride: Int
        var padding = 0
        var roundsUp = false

        var testDescription: String {
            "\(kernel)x\(kernel) by \(stride), padding \(padding), rounded \(roundsUp ? "up" : "down")"
        }

        static let all = [
            Pool(kernel: 2, stride: 2), Pool(kernel: 3, stride: 2, roundsUp: true),
            Pool(kernel: 3, stride: 1, padding: 1), Pool(kernel: 2, stride: 3),
        ]
    }

    /// One strip, several of a few rows, windows that are rows of memory, groups, columns of more vectors than are summed at a
    /// time, and so large that those of one row of windows fill the cache, strips of channels in whole vectors, weights so wide that
    /// zeros are left out.
    static let convolutions = [
        ConvolutionCase(batch: 2, inputChannels: 3, outputChannels: 70, kernel: 3, stride: 2),
        ConvolutionCase(inputChannels: 3, outputChannels: 18, kernel: 3, stride: 2, padding: 1),
        ConvolutionCase(batch: 2, inputChannels: 200, outputChannels: 17, kernel: 3, padding: 1),
        ConvolutionCase(kernel: 3, padding: 1, groups: 2), ConvolutionCase(kernel: 1),
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(31, 41), inputChannels: 3, outputChannels: 20, kernel: 7,
            stride: 2),
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(43, 31), inputChannels: 3, outputChannels: 64, kernel: 3),
        ConvolutionCase(
            batch: 1, input: ReferenceExtent(13, 99), inputChannels: 20, outputChannels: 3, kernel: 5,
            padding: 2),
    ]

    @Test(arguments: convolutions, Pool.all)
    func isTheSameChannelsLast(convolution: ConvolutionCase, pool: Pool) throws {
        try expectSame(convolution, pool, .channelsLast, .direct)
    }

    /// Of a single channel: several blocks of images, the last one not full, and tiles that are cut.
    static let single = [
        ConvolutionCase(
            batch: 19, input: ReferenceExtent(12, 20), inputChannels: 1, outputChannels: 6, kernel: 5,
            padding: 2),
        ConvolutionCase(
            batch: 3, input: ReferenceExtent(10, 14), inputChannels: 1, outputChannels: 3, kernel: 5),
    ]

    @Test(arguments: single)
    func isTheSameImagesLast(convolution: ConvolutionCase) throws {
        try expectSame(convolution, Pool(kernel: 2, stride: 2), .imagesLast, .imagesLastRowWinograd)
    }

    @Test func isForWindowsThatCoverTheMap() throws {
        func isPossible(_ extent: Int, _ pool: Pool, _ algorithm: ConvolutionAlgorithm) throws -> Bool {
            let convolution = ConvolutionCase(
                input: ReferenceExtent(extent, extent), inputChannels: 1, outputChannels: 6, kernel: 5,
                padding: 2
            ).geometry
            let pooling = try #require(
                PoolingGeometry(
                    input: convolution.output, kernel: .init(pool.kernel), stride: .init(pool.stride),
                    padding: .init(pool.padding), roundsUp: pool.roundsUp))
            return PooledConvolution.isPossible(convolution, pooling, algorithm)
        }
        let two = Pool(kernel: 2, stride: 2)
        #expect(try isPossible(28, two, .imagesLastRowWinograd))
        #expect(try isPossible(29, two, .direct))
        #expect(try !isPossible(28, two, .imagesLast))
        for (extent, pool) in [
            (29, two), (29, Pool(kernel: 2, stride: 2, roundsUp: true)), (27, Pool(kernel: 3, stride: 3)),
            (28, Pool(kernel: 2, stride: 1)), (28, Pool(kernel: 2, stride: 2, padding: 1)),
        ] {
            #expect(try !isPossible(extent, pool, .imagesLastRowWinograd), "\(extent), \(pool)")
        }
    }

    private func expectSame(
        _ convolution: ConvolutionCase, _ pool: Pool, _ layout: Layout, _ algorithm: ConvolutionAlgorithm
    ) throws {
        let geometry = convolution.geometry
        let pooling = try #require(
            PoolingGeometry(
                input: geometry.output, kernel: .init(pool.kernel), stride: .init(pool.stride),
                padding: .init(pool.padding), roundsUp: pool.roundsUp))
        let fused = PooledConvolution(geometry, pooling, algorithm)
        let weights = integerTensor(convolution.weightShape, seed: 2)
        withMemory { memory in
            let batch = convolution.batch
            func maps(_ shape: Shape) -> Tensor { memory.tensor(batch: batch, shape, layout, margin: 1) }
            let x = memory.tensor(convolution.integerInput(seed: 1), layout, margin: 1)
            let w = memory.weights(
                layout == .channelsLast ? weights.outputLast : weights.values, geometry, algorithm)
            let bias = memory.view(integers(count: convolution.outputChannels, seed: 3))
            let (map, mapGradient) = (maps(geometry.output), maps(geometry.output))
            let outputs = [maps(pooling.output), maps(pooling.output)]
            let indices = outputs.map { memory.view(count: layout.floats(batch: batch, $0.shape)).bytes }
            let upstream = memory.tensor(
                integerTensor(
                    [batch, pooling.output.channels, pooling.output.height, pooling.output.width], seed: 4
                ),
                layout, margin: 1)
            let inputGradients = [maps(geometry.input), maps(geometry.input)]
            let gradients = (0..<4).map { memory.view(count: $0 < 2 ? weights.values.count : bias.count) }
            for gradient in gradients { gradient.fill(0) }

            let scratch = memory.view(
                count: geometry.scratchCount(layout, algorithm: algorithm, rectifies: true))
            Convolution.forward(
                geometry, input: x, weights: w, bias: bias, rectifies: true,
                algorithm: algorithm,
                scratch: scratch, into: map)
            Pooling.maximum(pooling, input: map, indices: indices[0], into: outputs[0])
            func backwardApart(_ weights: FloatView?, _ bias: FloatView?, _ input: GradientDestination) {
                Pooling.maximumGradient(
                    pooling, outputGradient: upstream, indices: indices[0],
                    inputGradient: .overwrite(mapGradient))
                Convolution.backward(
                    geometry, input: x, weights: w, outputGradient: mapGradient, rectifiedOutput: map,
                    algorithm: algorithm, scratch: scratch, weightGradient: weights, biasGradient: bias,
                    inputGradient: input)
            }
            backwardApart(gradients[0], gradients[2], .overwrite(inputGradients[0]))

            let ownScratch = memory.view(count: fused.scratchCount)
            // In shares, as threads do it together.
            for share in 0..<3 {
                fused.forward(
                    input: x, weights: w, bias: bias, share: Share(share, of: 3),
                    scratch: ownScratch, into: outputs[1], indices: indices[1])
            }
            let alone = maps(pooling.output)
            fused.forward(
                input: x, weights: w, bias: bias, scratch: ownScratch, into: alone, indices: indices[1],
                keepsIndices: false)
            func backward(_ weights: FloatView?, _ bias: FloatView?, _ input: GradientDestination) {
                fused.backward(
                    input: x, weights: w, output: outputs[1], indices: indices[1],
                    outputGradient: upstream, scratch: ownScratch, weightGradient: weights,
                    biasGradient: bias,
                    inputGradient: input)
            }
            backward(gradients[1], gradients[3], .overwrite(inputGradients[1]))

            expectEqual(outputs[1].channelsFirstArray, outputs[0].channelsFirstArray, "output")
            expectEqual(alone.channelsFirstArray, outputs[0].channelsFirstArray, "output alone")
            expectEqual(
                inputGradients[1].channelsFirstArray, inputGradients[0].channelsFirstArray, "input")
            expectEqual(gradients[1].array, gradients[0].array, "weights")
            expectEqual(gradients[3].array, gradients[2].array, "bias")
            #expect(gradients[1].array.contains { $0 != 0 })

            // Gradients are added, and those that nobody wants left out.
            for (wantsWeights, wantsBias) in [(true, true), (false, true), (true, false), (false, false)] {
                backwardApart(
                    wantsWeights ? gradients[0] : nil, wantsBias ? gradients[2] : nil,
                    wantsBias ? .discard : .add(inputGradients[0]))
                backward(
                    wantsWeights ? gradients[1] : nil, wantsBias ? gradients[3] : nil,
                    wantsBias ? .discard : .add(inputGradients[1]))
            }
            expectEqual(gradients[1].array, gradients[0].array, "weights three times")
            expectEqual(gradients[3].array, gradients[2].array, "bias three times")
            expectEqual(
                inputGradients[1].channelsFirstArray, inputGradients[0].channelsFirstArray,
                "input three times")
        }
    }
}
