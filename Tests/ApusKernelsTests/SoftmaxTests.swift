import ApusKernels
import Foundation
import ReferenceKernels
import Testing
import TestSupport

/// Unit roundoff of Float.
private let unit = 0x1p-24

@Suite struct SoftmaxTests {
    static let classes = 10

    static let logits: [String: [Float]] = [
        "ordinary": uniformFloats(count: 70, seed: 1).map { 5 * $0 },
        "equal": [Float](repeating: 3, count: 70),
        "extreme": uniformFloats(count: 70, seed: 2).map { $0 < 0 ? -1e4 : 1e4 },
        "one above all": (0..<70).map { $0 % 10 == 4 ? 1e4 : -1e4 },
        "far from zero": uniformFloats(count: 70, seed: 3).map { 1e4 + $0 },
    ]

    /// A probability carries the rounding of `exp` (2 units), of a difference of up to 2e4 that is exact or
    /// harmless (where it rounds, exp is 0 or the logits lie close), of a sum of 10 terms (10 units), and of
    /// a reciprocal and a product (2 units).
    @Test(arguments: logits.keys.sorted(), Layout.allCases.flatMap { [($0, 0), ($0, 3)] })
    func probabilitiesEqualTheReference(name: String, place: (layout: Layout, margin: Int)) throws {
        let (layout, margin) = place
        let values = try #require(Self.logits[name])
        let expected = ReferenceSoftmax.forward(values.map { Double($0) }, classes: Self.classes)
        withMemory { memory in
            let input = memory.vectors(rows(values), layout, margin: margin)
            let output = memory.tensor(batch: 7, input.shape, layout, margin: margin)
            SoftmaxKernel.forward(input, into: output)
            expectClose(doubles(output), expected, absolute: 1e-37, relative: 20 * unit)
            SoftmaxKernel.forward(input, into: input)
            #expect(input.channelsFirstArray == output.channelsFirstArray)
        }
    }

    /// Each term carries at most 12 roundings of magnitudes below 1 times those of the upstream gradient.
    @Test(arguments: Target.allCases, Layout.allCases)
    func theGradientEqualsTheReference(target: Target, layout: Layout) {
        let probabilities = ReferenceSoftmax.forward(
            uniformFloats(count: 70, seed: 4).map { 3 * $0 }, classes: Self.classes)
        let upstream = uniformFloats(count: 70, seed: 5)
        let old = uniformFloats(count: 70, seed: 6)
        let gradient = ReferenceSoftmax.inputGradient(
            upstream.map { Double($0) }, output: probabilities.map { Double($0) }, classes: Self.classes)
        withMemory { memory in
            let tensor = memory.vectors(rows(old), layout, margin: 2)
            SoftmaxKernel.backward(
                output: memory.vectors(rows(probabilities), layout),
                outputGradient: memory.vectors(rows(upstream), layout, margin: 1),
                inputGradient: target.destination(tensor))
            let expected = target == .add ? zip(gradient, old).map { $0 + Double($1) } : gradient
            expectClose(doubles(tensor), expected, absolute: 16 * unit)
        }
    }

    /// The loss is a difference of numbers of the logits' magnitude m, computed in double from a sum that
    /// carries 12 roundings: 12 units at most, whatever m. The gradient is one of probabilities, times 1/7.
    @Test(
        arguments: logits.keys.sorted(),
        Layout.allCases.flatMap { [($0, 0), ($0, 0.1), ($0, 1)] as [(Layout, Float)] })
    func crossEntropyEqualsTheReference(name: String, how: (layout: Layout, smoothing: Float)) throws {
        let (layout, smoothing) = how
        let values = try #require(Self.logits[name])
        let labels: [Int32] = [0, 9, 4, 3, 4, 5, 1]
        let expected = ReferenceLoss.crossEntropy(
            values.map { Double($0) }, labels: labels.map { Int($0) }, classes: Self.classes,
            labelSmoothing: Double(smoothing))
        withMemory { memory in
            let logits = memory.vectors(rows(values), layout, margin: 2)
            let gradient = memory.tensor(batch: 7, logits.shape, layout, margin: 1)
            // The labels of a shard are a slice that need not start at 0.
            let sum = SoftmaxKernel.crossEntropy(
                logits: logits, labels: ([7, 7] + labels)[2...], smoothing: smoothing, scale: 1 / 7,
                gradient: gradient)
            #expect(abs(sum / 7 - expected.value) <= 12 * unit + 1e-12 * abs(expected.value))
            expectClose(doubles(gradient), expected.gradient, absolute: 20 * unit / 7)
            let again = SoftmaxKernel.crossEntropy(
                logits: logits, labels: labels[...], smoothing: smoothing, scale: 1, gradient: nil)
            #expect(again == sum)
        }
    }

    @Test func crossEntropyOfEqualLogitsIsTheLogarithmOfTheClasses() {
        withMemory { memory in
            let sum = SoftmaxKernel.crossEntropy(
                logits: memory.vectors([[2, 2, 2, 2]]), labels: [1], smoothing: 0, scale: 1, gradient: nil)
            #expect(abs(sum - log(4)) < 1e-12)
        }
    }

    private func rows(_ values: [Float]) -> [[Float]] {
        stride(from: 0, to: values.count, by: Self.classes).map { Array(values[$0..<$0 + Self.classes]) }
    }

    private func doubles(_ tensor: Tensor) -> [Double] { tensor.channelsFirstArray.map { Double($0) } }
}
