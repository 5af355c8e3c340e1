import ApusKernels
import CVectorKernels
import ReferenceKernels
import TestSupport
import Testing

@Suite("Winograd's convolution is the definition's, up to rounding")
struct WinogradTests {
    /// A form of the algorithm, and what it may be wrong by.
    struct Form: Sendable, CustomTestStringConvertible {
        let kernel: Int
        let layout: Layout
        let algorithm: ConvolutionAlgorithm
        /// How many times the error of the definition itself in single precision is allowed.
        let multiple: Double
        /// Roundings that count where sums are so short that the definition makes next to none.
        let roundings: Double

        var testDescription: String { algorithm.rawValue }

        /// 3 times was measured on layers of SqueezeNet's extents, whose sums are longer than most here.
        static let small = Form(
            kernel: 3, layout: .channelsLast, algorithm: .winograd, multiple: 4, roundings: 16)
        /// 6 times was measured, and 46 roundings where that is more: of weights' gradients.
        static let large = Form(
            kernel: 5, layout: .imagesLast, algorithm: .imagesLastWinograd, multiple: 8, roundings: 64)
        /// 3.4 times was measured, of the output.
        static let row = Form(
            kernel: 5, layout: .imagesLast, algorithm: .imagesLastRowWinograd, multiple: 4, roundings: 8)
    }

    private static func extent(
        of form: Form = .small, batch: Int = 2, _ height: Int, _ width: Int, padding: ReferenceExtent,
        _ channels: (Int, Int)
    ) -> (Form, ConvolutionCase) {
        let convolution = ConvolutionCase(
            batch: batch, input: ReferenceExtent(height, width), inputChannels: channels.0,
            outputChannels: channels.1, kernel: ReferenceExtent(form.kernel, form.kernel), padding: padding)
        return (form, convolution)
    }

    /// Whole tiles and short ones of each width, one panel of channels and several, one block of tiles and several (batches of
    /// three, and 608 channels, where the second has short tiles alone), shares of tiles and, where those are few, of channels
    /// (144), maps smaller than a tile, and padding that shows outputs nothing but zeros. Where images are last, so many tiles that products
    /// have one vector and more, and, of a single channel, a large map, and more maps than a tile has room for.
    static let cases = [
        extent(12, 8, padding: 1, (16, 64)), extent(13, 13, padding: 1, (32, 144)),
        extent(9, 14, padding: 0, (48, 16)), extent(21, 22, padding: ReferenceExtent(2, 1), (16, 80)),
        extent(batch: 3, 21, 22, padding: ReferenceExtent(2, 1), (16, 80)),
        extent(9, 6, padding: 1, (80, 48)), extent(6, 7, padding: 1, (32, 144)),
        extent(5, 8, padding: 1, (112, 80)),
        extent(3, 5, padding: 0, (16, 16)), extent(1, 2, padding: 3, (32, 16)),
        extent(14, 11, padding: 1, (16, 32)), extent(11, 14, padding: 1, (32, 16)),
        extent(batch: 3, 17, 18, padding: 1, (48, 64)), extent(batch: 1, 5, 24, padding: 1, (608, 16)),
        extent(of: .large, batch: 19, 12, 12, padding: 0, (20, 50)),
        extent(of: .large, batch: 16, 14, 14, padding: 0, (6, 16)),
        extent(of: .large, batch: 33, 9, 21, padding: ReferenceExtent(2, 1), (5, 17)),
        extent(of: .large, batch: 1, 5, 6, padding: 0, (1, 1)),
        extent(of: .large, batch: 8, 1, 2, padding: 4, (3, 10)),
        extent(of: .row, batch: 19, 28, 28, padding: 2, (1, 6)),
        extent(of: .row, batch: 16, 13, 10, padding: ReferenceExtent(1, 0), (1, 17)),
        extent(of: .large, batch: 17, 4, 4, padding: 2, (10, 22)),
        extent(of: .large, batch: 5, 4, 7, padding: 2, (19, 21)),
        extent(of: .large, batch: 18, 4, 4, padding: 2, (26, 70)),
        extent(of: .large, batch: 16, 4, 4, padding: 2, (24, 7)),
        extent(of: .large, batch: 16, 8, 16, padding: ReferenceExtent(0, 2), (9, 23)),
        extent(of: .large, batch: 16, 12, 15, padding: ReferenceExtent(0, 0), (7, 9)),
        extent(of: .large, batch: 3, 6, 11, padding: 0, (4, 9)),
        extent(of: .large, batch: 7, 10, 15, padding: ReferenceExtent(2, 0), (3, 8)),
        extent(of: .row, batch: 8, 1, 2, padding: 4, (1, 2)),
        extent(of: .row, batch: 2, 90, 97, padding: 2, (1, 3)),
        extent(of: .row, batch: 3, 5, 5, padding: 2, (1, 210)),
    ]

    /// Norm-wise, against the definition in double precision.
    private func expectAsGood(
        _ form: Form, _ values: [Float], _ single: [Float], _ exact: [Double], _ name: String
    ) {
        let error = relativeNormError(values.map(Double.init), exact)
        let bound = max(
            form.multiple * relativeNormError(single.map(Double.init), exact), form.roundings * 0x1p-24)
        #expect(error <= bound, "\(name): \(error), at most \(bound)")
    }

    @Test(arguments: cases, [(0, false), (5, true)])
    func isTheDefinition(
        formed: (form: Form, convolution: ConvolutionCase), kind: (margin: Int, rectifies: Bool)
    ) {
        let (form, convolution) = formed
        let (layout, algorithm) = (form.layout, form.algorithm)
        func random(_ shape: [Int], seed: UInt64) -> ReferenceTensor<Float> {
            ReferenceTensor(shape: shape, values: uniformFloats(count: shape.reduce(1, *), seed: seed))
        }
        func double(_ tensor: ReferenceTensor<Float>) -> ReferenceTensor<Double> {
            ReferenceTensor(shape: tensor.shape, values: tensor.values.map(Double.init))
        }
        func ordered<T>(_ weights: ReferenceTensor<T>) -> [T] {
            layout == .channelsLast ? weights.outputLast : weights.values
        }
        let (geometry, reference) = (convolution.geometry, convolution.reference)
        let input = random(convolution.inputShape, seed: 1)
        let weights = random(convolution.weightShape, seed: 2)
        let bias = uniformFloats(count: convolution.outputChannels, seed: 3)
        let mask = random(convolution.outputShape, seed: 4)
        let upstream = random(convolution.outputShape, seed: 5)
        var single = reference.forward(input, weights: weights, bias: bias)
        var exact = reference.forward(double(input), weights: double(weights), bias: bias.map(Double.init))
        var through = upstream
        if kind.rectifies {
            single.values = single.values.map { max($0, 0) }
            exact.values = exact.values.map { max($0, 0) }
            through.values = zip(upstream.values, mask.values).map { $1 > 0 ? $0 : 0 }
        }
        withMemory { memory in
            let scratch = memory.view(
                count: geometry.scratchCount(layout, algorithm: algorithm, rectifies: kind.rectifies))
            let x = memory.tensor(input, layout, margin: kind.margin)
            let w = memory.weights(ordered(weights), geometry, algorithm)
            let output = memory.tensor(batch: input.batch, geometry.output, layout, margin: kind.margin)
            for share in 0..<3 {
                Convolution.forward(
                    geometry, input: x, weights: w,
                    bias: memory.view(bias), rectifies: kind.rectifies,
                    algorithm: algorithm, share: Share(share, of: 3), scratch: scratch,
                    into: output)
            }
            expectAsGood(form, output.channelsFirstArray, single.values, exact.values, "output")
            let first = output.channelsFirstArray
            Convolution.forward(
                geometry, input: x, weights: w, bias: memory.view(bias), rectifies: kind.rectifies,
                algorithm: algorithm, scratch: scratch, into: output)
            #expect(output.channelsFirstArray == first, "shares have the bits of the whole")
            Convolution.forward(
                geometry, input: x, weights: w, bias: nil, algorithm: algorithm, scratch: scratch,
                into: output)
            let unbiased = (
                reference.forward(input, weights: weights),
                reference.forward(double(input), weights: double(weights))
            )
            expectAsGood(
                form, output.channelsFirstArray, unbiased.0.values, unbiased.1.values, "without bias")
            #expect(output.channelsFirstArray != first)

            let inputGradient = memory.tensor(
                batch: input.batch, geometry.input, layout, margin: kind.margin)
            let old = integers(count: weights.values.count, seed: 6)
            let weightGradient = memory.view(old)
            let biasGradient = memory.view(count: bias.count)
            biasGradient.fill(0)
            func backward(
                _ weightGradient: FloatView?, adding: Bool = true, _ destination: GradientDestination
            ) {
                Convolution.backward(
                    geometry, input: x, weights: w,
                    outputGradient: memory.tensor(upstream, layout, margin: kind.margin),
                    rectifiedOutput: kind.rectifies ? memory.tensor(mask, layout) : nil,
                    algorithm: algorithm, scratch: scratch,
                    weightGradient: weightGradient, addingToWeights: adding,
                    biasGradient: weightGradient == nil ? nil : biasGradient, inputGradient: destination)
            }
            backward(weightGradient, .overwrite(inputGradient))
            let dx = (
                reference.inputGradient(through, weights: weights, inputShape: input.shape),
                reference.inputGradient(
                    double(through), weights: double(weights), inputShape: input.shape)
            )
            expectAsGood(form, inputGradient.channelsFirstArray, dx.0.values, dx.1.values, "input")
            let dw = (
                reference.weightGradient(through, input: input, weightShape: weights.shape),
                reference.weightGradient(double(through), input: double(input), weightShape: weights.shape)
            )
            expectAsGood(
                form, weightGradient.array, zip(ordered(dw.0), old).map { $0 + $1 },
                zip(ordered(dw.1), old).map { $0 + Double($1) }, "weights")
            let db = reference.biasGradient(double(through))
            #expect(relativeNormError(biasGradient.array.map(Double.init), db) <= 16 * 0x1p-24)

            // Written, whatever was there, as it is added to zeros.
            let (written, added) = (memory.view(count: old.count), memory.view(count: old.count))
            written.fill(.nan)
            backward(written, adding: false, .discard)
            added.fill(0)
            backward(added, .discard)
            expectEqual(written.array, added.array, "weights, written")

            // What nobody wants is left out; what is there is added to.
            let once = inputGradient.channelsFirstArray
            backward(nil, .add(inputGradient))
            expectAsGood(
                form, inputGradient.channelsFirstArray, dx.0.values.map { $0 + $0 },
                dx.1.values.map { $0 + $0 },
                "input, twice")
            #expect(inputGradient.channelsFirstArray != once)
            let weightsAlone = memory.view(old)
            biasGradient.fill(0)
            backward(weightsAlone, .discard)
            expectEqual(weightsAlone.array, weightGradient.array)
        }
    }

    /// What they are for: kernels of 5x5, and a single channel, or enough of them and maps that stay near the processor.
    @Test func isTakenWhereItIsFaster() {
        func algorithm(
            _ channels: (Int, Int), on extent: Int, kernel: Int = 5, padding: Int = 0, stride: Int = 1,
            dilation: Int = 1, groups: Int = 1, _ backend: Backend = .vector
        ) -> ConvolutionAlgorithm {
            func both(_ value: Int) -> ReferenceExtent { ReferenceExtent(value, value) }
            return ConvolutionCase(
                input: both(extent), inputChannels: channels.0, outputChannels: channels.1,
                kernel: both(kernel),
                stride: both(stride), padding: both(padding), dilation: both(dilation), groups: groups
            ).geometry.algorithm(.imagesLast, backend)
        }
        // The convolutions of the LeNets.
        #expect(algorithm((1, 6), on: 28, padding: 2) == .imagesLastRowWinograd)
        #expect(algorithm((1, 20), on: 28) == .imagesLastRowWinograd)
        #expect(algorithm((6, 16), on: 14) == .imagesLastWinograd)
        #expect(algorithm((20, 50), on: 12) == .imagesLastWinograd)
        #expect(algorithm((50, 50), on: 4, padding: 2) == .imagesLastWinograd)
        // A single short tile.
        #expect(algorithm((16, 16), on: 6) == .imagesLastWinograd)
        let others = [
            algorithm((20, 50), on: 12, .gemm), algorithm((1, 6), on: 28, .gemm),
            algorithm((1, 6), on: 28, kernel: 3), algorithm((1, 6), on: 28, stride: 2),
            algorithm((1, 6), on: 28, dilation: 2), algorithm((1, 6), on: 5),
            algorithm((20, 50), on: 12, kernel: 3),
            algorithm((20, 50), on: 12, stride: 2), algorithm((20, 50), on: 12, dilation: 2),
            algorithm((20, 50), on: 12, groups: 2), algorithm((50, 50), on: 2, padding: 2),
            algorithm((32, 64), on: 64),
        ]
        #expect(others.allSatisfy { $0 == .imagesLast })
    }
}
