import ApusKernels
import CVectorKernels
import ReferenceKernels
import TestSupport
import Testing

@Suite("Winograd's convolution is the definition's, up to rounding")
struct WinogradTests {
    private static func extent(_ height: Int, _ width: Int, padding: ReferenceExtent, _ channels: (Int, Int))
        -> ConvolutionCase
    {
        ConvolutionCase(
            batch: 2, input: ReferenceExtent(height, width), inputChannels: channels.0,
            outputChannels: channels.1, kernel: 3, padding: padding)
    }

    /// Whole tiles and parts of them, one panel of channels and several, blocks of tiles and parts of them, maps
    /// smaller than a tile, and padding that shows outputs nothing but zeros.
    static let cases = [
        extent(12, 8, padding: 1, (16, 64)), extent(13, 13, padding: 1, (32, 144)),
        extent(9, 14, padding: 0, (48, 16)), extent(21, 22, padding: ReferenceExtent(2, 1), (16, 80)),
        extent(3, 5, padding: 0, (16, 16)), extent(1, 2, padding: 3, (32, 16)),
    ]

    /// Against the definition in double precision the error is at most 4 times that of the definition itself in
    /// single precision, norm-wise; 3 was measured on layers of SqueezeNet's extents, whose sums are longer than most here.
    /// Short sums round too little for a multiple: there, the bound is 16 roundings.
    private func expectAsGood(
        _ values: [Float], _ single: [Float], _ exact: [Double], _ name: String
    ) {
        let error = relativeNormError(values.map(Double.init), exact)
        let bound = max(4 * relativeNormError(single.map(Double.init), exact), 16 * 0x1p-24)
        #expect(error <= bound, "\(name): \(error), at most \(bound)")
    }

    @Test(arguments: cases, [(0, false), (5, true)])
    func isTheDefinition(convolution: ConvolutionCase, kind: (margin: Int, rectifies: Bool)) {
        func random(_ shape: [Int], seed: UInt64) -> ReferenceTensor<Float> {
            ReferenceTensor(shape: shape, values: uniformFloats(count: shape.reduce(1, *), seed: seed))
        }
        func double(_ tensor: ReferenceTensor<Float>) -> ReferenceTensor<Double> {
            ReferenceTensor(shape: tensor.shape, values: tensor.values.map(Double.init))
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
            let layout = Layout.channelsLast
            let scratch = memory.view(count: geometry.scratchCount(layout, algorithm: .winograd))
            let x = memory.tensor(input, layout, margin: kind.margin)
            let w = memory.view(weights.outputLast)
            let prepared = memory.view(count: Convolution.preparedCount(geometry, .winograd) ?? 0)
            Convolution.prepare(geometry, .winograd, weights: w, forBackward: true, into: prepared)
            let output = memory.tensor(batch: input.batch, geometry.output, layout, margin: kind.margin)
            for share in 0..<2 {
                Convolution.forward(
                    geometry, input: x, weights: ConvolutionWeights(w, prepared: prepared),
                    bias: memory.view(bias), rectifies: kind.rectifies,
                    algorithm: .winograd, share: Share(share, of: 2), scratch: scratch,
                    into: output)
            }
            expectAsGood(output.channelsFirstArray, single.values, exact.values, "output")

            let inputGradient = memory.tensor(
                batch: input.batch, geometry.input, layout, margin: kind.margin)
            let old = integers(count: weights.values.count, seed: 6)
            let weightGradient = memory.view(old)
            let biasGradient = memory.view(count: bias.count)
            biasGradient.fill(0)
            func backward(_ weightGradient: FloatView?, _ destination: GradientDestination) {
                Convolution.backward(
                    geometry, input: x, weights: ConvolutionWeights(w, prepared: prepared),
                    outputGradient: memory.tensor(upstream, layout, margin: kind.margin),
                    rectifiedOutput: kind.rectifies ? memory.tensor(mask, layout) : nil,
                    algorithm: .winograd, scratch: scratch,
                    weightGradient: weightGradient,
                    biasGradient: weightGradient == nil ? nil : biasGradient, inputGradient: destination)
            }
            backward(weightGradient, .overwrite(inputGradient))
            let dx = (
                reference.inputGradient(through, weights: weights, inputShape: input.shape),
                reference.inputGradient(
                    double(through), weights: double(weights), inputShape: input.shape)
            )
            expectAsGood(inputGradient.channelsFirstArray, dx.0.values, dx.1.values, "input")
            let dw = (
                reference.weightGradient(through, input: input, weightShape: weights.shape),
                reference.weightGradient(double(through), input: double(input), weightShape: weights.shape)
            )
            expectAsGood(
                weightGradient.array, zip(dw.0.outputLast, old).map { $0 + $1 },
                zip(dw.1.outputLast, old).map { $0 + Double($1) }, "weights")
            let db = reference.biasGradient(double(through))
            #expect(relativeNormError(biasGradient.array.map(Double.init), db) <= 16 * 0x1p-24)

            // What nobody wants is left out; what is there is added to.
            let first = inputGradient.channelsFirstArray
            backward(nil, .add(inputGradient))
            expectAsGood(
                inputGradient.channelsFirstArray, dx.0.values.map { $0 + $0 }, dx.1.values.map { $0 + $0 },
                "input, twice")
            #expect(inputGradient.channelsFirstArray != first)
            let weightsAlone = memory.view(old)
            biasGradient.fill(0)
            backward(weightsAlone, .discard)
            expectEqual(weightsAlone.array, weightGradient.array)
        }
    }
}
