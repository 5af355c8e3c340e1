import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

struct PoolingCase: Sendable, CustomTestStringConvertible {
    var input = ReferenceExtent(9, 12)
    var kernel: ReferenceExtent
    var stride: ReferenceExtent
    var padding: ReferenceExtent = 0
    var roundsUp = false

    var reference: ReferencePooling {
        ReferencePooling(kernel: kernel, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    var inputShape: [Int] { [3, 5, input.height, input.width] }

    func geometry() throws -> PoolingGeometry {
        func extent(_ extent: ReferenceExtent) -> PoolingGeometry.Extent {
            .init(height: extent.height, width: extent.width)
        }
        return try #require(
            PoolingGeometry(
                input: Shape(height: input.height, width: input.width, channels: 5),
                kernel: extent(kernel), stride: extent(stride), padding: extent(padding),
                roundsUp: roundsUp))
    }

    var testDescription: String {
        func text(_ extent: ReferenceExtent) -> String { "\(extent.height)x\(extent.width)" }
        return "\(text(kernel)) on \(text(input)) stride \(text(stride)) padding \(text(padding))"
            + (roundsUp ? " rounded up" : "")
    }

    static let all: [PoolingCase] = {
        var cases: [PoolingCase] = []
        for roundsUp in [false, true] {
            // Halved exactly, with a rest, overlapping, with gaps, not square, and over everything.
            cases += [
                PoolingCase(input: ReferenceExtent(8, 12), kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(kernel: 3, stride: 2, roundsUp: roundsUp),
                PoolingCase(kernel: 3, stride: 2, padding: 1, roundsUp: roundsUp),
                PoolingCase(kernel: 2, stride: 3, padding: 1, roundsUp: roundsUp),
                PoolingCase(
                    kernel: ReferenceExtent(4, 3), stride: ReferenceExtent(1, 4),
                    padding: ReferenceExtent(2, 0), roundsUp: roundsUp),
                PoolingCase(kernel: ReferenceExtent(9, 12), stride: 1, roundsUp: roundsUp),
            ]
        }
        return cases
    }()
}

@Suite struct PoolingTests {
    /// Few distinct values, so that windows hold ties, of which the first wins.
    @Test(arguments: PoolingCase.all, Layout.allCases)
    func maximumAndItsGradientEqualTheDefinition(pooling: PoolingCase, layout: Layout) throws {
        let input = ReferenceTensor(
            shape: pooling.inputShape,
            values: integers(count: pooling.inputShape.reduce(1, *), seed: 1, range: -2...2))
        let (expected, indices) = pooling.reference.maximum(input)
        let upstream = integerTensor(expected.shape, seed: 2)
        let old = integerTensor(input.shape, seed: 3)
        let gradient = pooling.reference.maximumInputGradient(
            upstream, indices: indices, inputShape: input.shape)
        let geometry = try pooling.geometry()
        for (target, margin) in [(Target.overwrite, 0), (.overwrite, 2), (.add, 0), (.add, 2)] {
            withMemory { memory in
                let places = memory.view(
                    count: ByteView.floats(forBytes: input.batch * Pooling.indexBytes(geometry)))
                let output = memory.tensor(batch: 3, geometry.output, layout, margin: margin)
                Pooling.maximum(
                    geometry, input: memory.tensor(input, layout, margin: margin), indices: places.bytes,
                    into: output)
                expectEqual(output.channelsFirstArray, expected.values, "margin \(margin)")

                let inputGradient =
                    target == .add
                    ? memory.tensor(old, layout, margin: margin)
                    : memory.tensor(batch: 3, geometry.input, layout, margin: margin)
                Pooling.maximumGradient(
                    geometry, outputGradient: memory.tensor(upstream, layout, margin: margin),
                    indices: places.bytes, inputGradient: target.destination(inputGradient))
                expectEqual(
                    inputGradient.channelsFirstArray,
                    target == .add ? zip(gradient.values, old.values).map(+) : gradient.values,
                    "gradient, \(target), margin \(margin)")
            }
        }
    }

    /// A mean is a sum of integers, exact, times a rounded reciprocal: two roundings of 2^-24 against the
    /// reference's one. The gradient adds at most 12 x 9 of these, each of magnitude at most 4.
    @Test(arguments: PoolingCase.all, Layout.allCases)
    func averageAndItsGradientEqualTheDefinition(pooling: PoolingCase, layout: Layout) throws {
        let input = integerTensor(pooling.inputShape, seed: 4)
        let old = integerTensor(input.shape, seed: 5)
        let geometry = try pooling.geometry()
        for countsPadding in [true, false] {
            let expected = pooling.reference.average(input, countingPadding: countsPadding)
            let upstream = integerTensor(expected.shape, seed: 6)
            let gradient = pooling.reference.averageInputGradient(
                upstream, inputShape: input.shape, countingPadding: countsPadding)
            for (target, margin) in [(Target.overwrite, 2), (.add, 0)] {
                withMemory { memory in
                    let output = memory.tensor(batch: 3, geometry.output, layout, margin: margin)
                    Pooling.average(
                        geometry, countsPadding: countsPadding,
                        input: memory.tensor(input, layout, margin: margin), into: output)
                    expectClose(
                        output.channelsFirstArray, expected.values, relative: 3 * 0x1p-24,
                        "countsPadding \(countsPadding)")

                    let inputGradient =
                        target == .add
                        ? memory.tensor(old, layout, margin: margin)
                        : memory.tensor(batch: 3, geometry.input, layout, margin: margin)
                    Pooling.averageGradient(
                        geometry, countsPadding: countsPadding,
                        outputGradient: memory.tensor(upstream, layout, margin: margin),
                        inputGradient: target.destination(inputGradient))
                    // At most 12 windows cover a pixel, and none of the sums exceeds 12 x 4.
                    expectClose(
                        inputGradient.channelsFirstArray,
                        target == .add ? zip(gradient.values, old.values).map(+) : gradient.values,
                        absolute: 15 * 48 * 0x1p-24, "gradient, countsPadding \(countsPadding), \(target)")
                }
            }
        }
    }

    @Test(arguments: [2, 3], Layout.allCases)
    func aNaNWinsItsWindow(kernel: Int, layout: Layout) throws {
        let pooling = PoolingCase(
            input: 6, kernel: ReferenceExtent(kernel, kernel), stride: ReferenceExtent(kernel, kernel))
        var input = integerTensor([3, 5, 6, 6], seed: 7)
        input[1, 2, 1, 0] = .nan
        input[2, 4, 5, 5] = .nan
        input[0, 0, 0, 0] = -.infinity
        let geometry = try pooling.geometry()
        withMemory { memory in
            let places = memory.view(count: ByteView.floats(forBytes: 3 * Pooling.indexBytes(geometry)))
            let output = memory.tensor(batch: 3, geometry.output, layout)
            Pooling.maximum(
                geometry, input: memory.tensor(input, layout), indices: places.bytes, into: output)
            let last = 6 / kernel - 1
            #expect(output[1, 0, 0, 2].isNaN)
            #expect(output[2, last, last, 4].isNaN)
            #expect(output.channelsFirstArray.filter(\.isNaN).count == 2)
            let gradient = memory.tensor(batch: 3, geometry.input, layout)
            let upstream = memory.tensor(batch: 3, geometry.output, layout)
            upstream.fill(1)
            Pooling.maximumGradient(
                geometry, outputGradient: upstream, indices: places.bytes,
                inputGradient: .overwrite(gradient))
            #expect(gradient[1, 1, 0, 2] == 1)
            #expect(gradient[2, 5, 5, 4] == 1)
        }
    }

    @Test(arguments: Layout.allCases)
    func amongEqualsTheFirstOfTheWindowGetsTheGradient(layout: Layout) throws {
        for kernel in [2, 3] {
            let pooling = PoolingCase(
                input: 6, kernel: ReferenceExtent(kernel, kernel),
                stride: ReferenceExtent(kernel, kernel))
            let geometry = try pooling.geometry()
            withMemory { memory in
                let places = memory.view(count: ByteView.floats(forBytes: 3 * Pooling.indexBytes(geometry)))
                let input = memory.tensor(batch: 3, geometry.input, layout)
                // Negative, so that a zero of padding or of an unset maximum would show.
                input.fill(-1)
                let output = memory.tensor(batch: 3, geometry.output, layout)
                Pooling.maximum(geometry, input: input, indices: places.bytes, into: output)
                #expect(output.channelsFirstArray.allSatisfy { $0 == -1 })
                let upstream = memory.tensor(batch: 3, geometry.output, layout)
                upstream.fill(1)
                Pooling.maximumGradient(
                    geometry, outputGradient: upstream, indices: places.bytes,
                    inputGradient: .overwrite(input))
                for y in 0..<6 {
                    for x in 0..<6 {
                        #expect(input[1, y, x, 3] == (y % kernel == 0 && x % kernel == 0 ? 1 : 0))
                    }
                }
            }
        }
    }

    @Test func aWindowThatDoesNotFitHasNoGeometry() {
        #expect(
            PoolingGeometry(
                input: Shape(height: 2, width: 9, channels: 1), kernel: .init(3), stride: .init(1),
                padding: .init(0), roundsUp: true) == nil)
    }
}
