import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

/// On small whole numbers every sum is exact, so that each product of matrices equals the definition bit for
/// bit, whatever the order of its terms.
@Suite struct ConvolutionTests {
    /// Channels first there is GEMM alone, images last loops of their own.
    struct Path: Sendable, CustomTestStringConvertible {
        let layout: Layout
        let algorithm: ConvolutionAlgorithm

        static let all = [
            Path(layout: .channelsFirst, algorithm: .gemm), Path(layout: .channelsLast, algorithm: .gemm),
            Path(layout: .channelsLast, algorithm: .direct),
            Path(layout: .imagesLast, algorithm: .imagesLast),
        ]

        var testDescription: String { "\(layout), \(algorithm.rawValue)" }
    }

    @Test(arguments: ConvolutionCase.grid + ConvolutionCase.special, Path.all)
    func forwardEqualsTheDefinition(convolution: ConvolutionCase, path: Path) {
        let layout = path.layout
        let input = convolution.integerInput(seed: 1)
        let weights = integerTensor(convolution.weightShape, seed: 2)
        let bias = integers(count: convolution.outputChannels, seed: 3)
        let geometry = convolution.geometry
        for (usesBias, rectifies, margin) in [
            (false, false, 0), (true, false, 0), (true, true, 5), (false, true, 0),
        ] {
            var expected = convolution.reference.forward(
                input, weights: weights, bias: usesBias ? bias : nil
            ).values
            if rectifies { expected = expected.map { max($0, 0) } }
            withMemory { memory in
                let output = memory.tensor(
                    batch: input.batch, geometry.output, layout, margin: margin)
                let x = memory.tensor(input, layout, margin: margin)
                let w = memory.weights(inMemory(weights, layout), geometry, path.algorithm)
                // Shares begin in the middle of rows.
                for share in 0..<3 {
                    Convolution.forward(
                        geometry, input: x, weights: w, bias: usesBias ? memory.view(bias) : nil,
                        rectifies: rectifies, algorithm: path.algorithm, share: Share(share, of: 3),
                        scratch: memory.view(
                            count: geometry.scratchCount(
                                layout, algorithm: path.algorithm, rectifies: rectifies)),
                        into: output)
                }
                expectEqual(output.channelsFirstArray, expected, "margin \(margin), ReLU \(rectifies)")
            }
        }
    }

    @Test(arguments: ConvolutionCase.grid + ConvolutionCase.special, Path.all)
    func backwardEqualsTheDefinition(convolution: ConvolutionCase, path: Path) {
        let layout = path.layout
        let input = convolution.integerInput(seed: 4)
        let weights = integerTensor(convolution.weightShape, seed: 5)
        let all = integerTensor(convolution.outputShape, seed: 6)
        // What gradients are added to.
        let oldInput = integerTensor(convolution.inputShape, seed: 7)
        let oldWeights = integerTensor(convolution.weightShape, seed: 8)
        let oldBias = integers(count: convolution.outputChannels, seed: 9)
        let reference = convolution.reference
        // Forward's output under a ReLU, where there was one: what is not above zero lets nothing through.
        let output = integerTensor(convolution.outputShape, seed: 10)
        let through = ReferenceTensor(
            shape: convolution.outputShape, values: zip(all.values, output.values).map { $1 > 0 ? $0 : 0 })
        let geometry = convolution.geometry
        for (target, margin, rectifies) in [
            (Target.overwrite, 0, false), (.overwrite, 3, true), (.add, 0, true), (.add, 3, false),
        ] {
            let upstream = rectifies ? through : all
            let dx = reference.inputGradient(upstream, weights: weights, inputShape: convolution.inputShape)
            let dw = reference.weightGradient(upstream, input: input, weightShape: convolution.weightShape)
            let db = reference.biasGradient(upstream)
            withMemory { memory in
                let inputGradient =
                    target == .add
                    ? memory.tensor(oldInput, layout, margin: margin)
                    : memory.tensor(batch: input.batch, geometry.input, layout, margin: margin)
                let weightGradient = memory.view(inMemory(oldWeights, layout))
                let biasGradient = memory.view(oldBias)
                Convolution.backward(
                    geometry, input: memory.tensor(input, layout, margin: margin),
                    weights: memory.weights(inMemory(weights, layout), geometry, path.algorithm),
                    outputGradient: memory.tensor(all, layout, margin: margin),
                    rectifiedOutput: rectifies ? memory.tensor(output, layout, margin: margin) : nil,
                    algorithm: path.algorithm,
                    scratch: memory.view(
                        count: geometry.scratchCount(layout, algorithm: path.algorithm, rectifies: rectifies)),
                    weightGradient: weightGradient, biasGradient: biasGradient,
                    inputGradient: target.destination(inputGradient))
                let context = "\(target), margin \(margin), ReLU \(rectifies)"
                expectEqual(
                    inputGradient.channelsFirstArray,
                    target == .add ? sum(dx.values, oldInput.values) : dx.values, "input, \(context)")
                expectEqual(
                    weightGradient.array, sum(inMemory(dw, layout), inMemory(oldWeights, layout)),
                    "weights, \(context)")
                expectEqual(biasGradient.array, sum(db, oldBias), "bias, \(context)")
            }
        }
    }

    @Test(arguments: ConvolutionCase.grid + ConvolutionCase.special, Target.allCases)
    func theGradientOfAReLUBeforeItIsZeroWhereTheInputIs(convolution: ConvolutionCase, target: Target) {
        let geometry = convolution.geometry
        let algorithm = geometry.algorithm(.channelsLast, .vector)
        guard geometry.canMaskInput(.channelsLast, algorithm) else { return }
        let input = convolution.integerInput(seed: 4)
        let weights = integerTensor(convolution.weightShape, seed: 5)
        let upstream = integerTensor(convolution.outputShape, seed: 6)
        let old = integerTensor(convolution.inputShape, seed: 7)
        let dx = convolution.reference.inputGradient(upstream, weights: weights, inputShape: input.shape)
            .values
        withMemory { memory in
            let inputGradient = memory.tensor(old, .channelsLast, margin: 3)
            Convolution.backward(
                geometry, input: memory.tensor(input, .channelsLast, margin: 3),
                weights: memory.weights(inMemory(weights, .channelsLast), geometry, algorithm),
                outputGradient: memory.tensor(upstream, .channelsLast), isInputRectified: true,
                algorithm: algorithm,
                scratch: memory.view(count: geometry.scratchCount(.channelsLast, algorithm: algorithm)),
                weightGradient: nil, biasGradient: nil, inputGradient: target.destination(inputGradient))
            expectEqual(
                inputGradient.channelsFirstArray,
                zip(target == .add ? sum(dx, old.values) : dx, input.values).map { $1 > 0 ? $0 : 0 })
        }
    }

    @Test func thereIsAConvolutionThatMasksItsInput() {
        let cases = (ConvolutionCase.grid + ConvolutionCase.special).map(\.geometry)
        #expect(cases.contains { $0.canMaskInput(.channelsLast, $0.algorithm(.channelsLast, .vector)) })
    }

    @Test(arguments: [ConvolutionCase(kernel: 3, padding: 1), ConvolutionCase(kernel: 1)], Layout.allCases)
    func gradientsThatNobodyWantsAreLeftOut(convolution: ConvolutionCase, layout: Layout) {
        let weights = integerTensor(convolution.weightShape, seed: 5)
        let upstream = integerTensor(convolution.outputShape, seed: 6)
        let geometry = convolution.geometry
        withMemory { memory in
            // The input is NaN: only the gradient of the weights reads it.
            let input = memory.tensor(batch: convolution.batch, geometry.input, layout)
            let inputGradient = memory.tensor(batch: convolution.batch, geometry.input, layout)
            Convolution.backward(
                geometry, input: input,
                weights: memory.weights(inMemory(weights, layout), geometry, geometry.algorithm(layout)),
                outputGradient: memory.tensor(upstream, layout),
                algorithm: geometry.algorithm(layout),
                scratch: memory.view(
                    count: geometry.scratchCount(layout, algorithm: geometry.algorithm(layout))),
                weightGradient: nil,
                biasGradient: nil, inputGradient: .overwrite(inputGradient))
            let expected = convolution.reference.inputGradient(
                upstream, weights: weights, inputShape: convolution.inputShape)
            expectEqual(inputGradient.channelsFirstArray, expected.values)
        }
        withMemory { memory in
            // The weights are NaN: only the gradient of the input reads them.
            let input = convolution.integerInput(seed: 4)
            let weightGradient = memory.view(count: geometry.weightCount)
            weightGradient.fill(0)
            Convolution.backward(
                geometry, input: memory.tensor(input, layout),
                weights: ConvolutionWeights(memory.view(count: geometry.weightCount)),
                outputGradient: memory.tensor(upstream, layout),
                algorithm: geometry.algorithm(layout),
                scratch: memory.view(
                    count: geometry.scratchCount(layout, algorithm: geometry.algorithm(layout))),
                weightGradient: weightGradient, biasGradient: nil, inputGradient: .discard)
            let expected = convolution.reference.weightGradient(
                upstream, input: input, weightShape: convolution.weightShape)
            expectEqual(weightGradient.array, inMemory(expected, layout))
        }
    }

    @Test func outputExtentsFollowTheFormula() {
        func extent(_ input: Int, _ kernel: Int, _ stride: Int, _ dilation: Int, _ paddings: Int) -> Int? {
            ConvolutionGeometry.outputExtent(
                input: input, kernel: kernel, stride: stride, dilation: dilation, paddings: paddings)
        }
        #expect(extent(28, 5, 1, 1, 4) == 28)
        #expect(extent(224, 7, 2, 1, 6) == 112)
        #expect(extent(7, 3, 2, 2, 0) == 2)
        #expect(extent(4, 5, 1, 1, 0) == nil)
        #expect(extent(4, 5, 1, 1, 1) == 1)
    }

    private func inMemory(_ weights: ReferenceTensor<Float>, _ layout: Layout) -> [Float] {
        layout == .channelsLast ? weights.outputLast : weights.values
    }

    private func sum(_ first: [Float], _ second: [Float]) -> [Float] { zip(first, second).map { $0 + $1 } }
}
