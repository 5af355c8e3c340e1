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
    var batch = 3
    var channels = 21

    var reference: ReferencePooling {
        ReferencePooling(kernel: kernel, stride: stride, padding: padding, roundsUp: roundsUp)
    }

    var inputShape: [Int] { [batch, channels, input.height, input.width] }

    func geometry() throws -> PoolingGeometry {
        func extent(_ extent: ReferenceExtent) -> PoolingGeometry.Extent {
            .init(height: extent.height, width: extent.width)
        }
        return try #require(
            PoolingGeometry(
                input: Shape(height: input.height, width: input.width, channels: channels),
                kernel: extent(kernel), stride: extent(stride), padding: extent(padding),
                roundsUp: roundsUp))
    }

    var testDescription: String {
        func text(_ extent: ReferenceExtent) -> String { "\(extent.height)x\(extent.width)" }
        return "\(text(kernel)) on \(text(input)) stride \(text(stride)) padding \(text(padding))"
            + (roundsUp ? " rounded up" : "") + (channels == 21 ? "" : ", \(channels) channels")
    }

    static let all: [PoolingCase] = {
        var cases: [PoolingCase] = []
        for roundsUp in [false, true] {
            // Halved exactly, with a rest, overlapping, with gaps, not square, and over everything.
            cases += [
                PoolingCase(input: ReferenceExtent(8, 12), kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(input: ReferenceExtent(4, 6), kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(input: ReferenceExtent(2, 16), kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(input: ReferenceExtent(2, 38), kernel: 2, stride: 2, roundsUp: roundsUp),
                PoolingCase(kernel: 3, stride: 2, roundsUp: roundsUp),
                PoolingCase(kernel: 3, stride: 2, padding: 1, roundsUp: roundsUp),
                PoolingCase(kernel: 2, stride: 3, padding: 1, roundsUp: roundsUp),
                PoolingCase(
                    kernel: ReferenceExtent(4, 3), stride: ReferenceExtent(1, 4),
                    padding: ReferenceExtent(2, 0), roundsUp: roundsUp),
                PoolingCase(kernel: ReferenceExtent(9, 12), stride: 1, roundsUp: roundsUp),
            ]
        }
        // The field's window, of channels in whole vectors: an even number of rows of windows, an odd one, a single one.
        for input in [ReferenceExtent(9, 12), ReferenceExtent(7, 9), ReferenceExtent(4, 3)] {
            cases.append(PoolingCase(input: input, kernel: 3, stride: 2, channels: 32))
        }
        // The last row of windows sticks out, the last column, both, and all.
        for input in [
            ReferenceExtent(10, 9), ReferenceExtent(9, 12), ReferenceExtent(8, 10), ReferenceExtent(2, 2),
        ] {
            cases.append(PoolingCase(input: input, kernel: 3, stride: 2, roundsUp: true, channels: 32))
        }
        // More images than share a block of memory.
        cases.append(PoolingCase(kernel: 2, stride: 2, batch: 18))
        // Less than a stride sticks out: one window of what there is.
        cases.append(PoolingCase(input: ReferenceExtent(2, 5), kernel: 3, stride: 2, roundsUp: true))
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
                let places = room(geometry, batch: input.batch, layout, memory)
                let output = memory.tensor(batch: input.batch, geometry.output, layout, margin: margin)
                Pooling.maximum(
                    geometry, input: memory.tensor(input, layout, margin: margin), indices: places.bytes,
                    into: output)
                expectEqual(output.channelsFirstArray, expected.values, "margin \(margin)")

                let inputGradient =
                    target == .add
                    ? memory.tensor(old, layout, margin: margin)
                    : memory.tensor(batch: input.batch, geometry.input, layout, margin: margin)
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
    /// reference's one.
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
                    let output = memory.tensor(batch: input.batch, geometry.output, layout, margin: margin)
                    Pooling.average(
                        geometry, countsPadding: countsPadding,
                        input: memory.tensor(input, layout, margin: margin), into: output)
                    expectClose(
                        output.channelsFirstArray, expected.values, relative: 3 * 0x1p-24,
                        "countsPadding \(countsPadding)")

                    let inputGradient =
                        target == .add
                        ? memory.tensor(old, layout, margin: margin)
                        : memory.tensor(batch: input.batch, geometry.input, layout, margin: margin)
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

    /// Calls `body` with the maxima of `input` and what gradients of 1 come to at each of its pixels.
    private func withMaxima(
        _ geometry: PoolingGeometry, of input: ReferenceTensor<Float>, _ layout: Layout,
        _ body: (_ output: Tensor, _ gradient: Tensor) -> Void
    ) {
        withMemory { memory in
            let indices = room(geometry, batch: input.batch, layout, memory)
            let output = memory.tensor(batch: input.batch, geometry.output, layout)
            Pooling.maximum(
                geometry, input: memory.tensor(input, layout), indices: indices.bytes, into: output)
            let gradient = memory.tensor(batch: input.batch, geometry.input, layout)
            let upstream = memory.tensor(batch: input.batch, geometry.output, layout)
            upstream.fill(1)
            Pooling.maximumGradient(
                geometry, outputGradient: upstream, indices: indices.bytes,
                inputGradient: .overwrite(gradient))
            body(output, gradient)
        }
    }

    /// Windows of 2x2 and 3x3 side by side on 6x12: each has a path of its own.
    private func sideBySide(_ kernel: Int) -> PoolingCase {
        let extent = ReferenceExtent(kernel, kernel)
        return PoolingCase(input: ReferenceExtent(6, 12), kernel: extent, stride: extent)
    }

    @Test(arguments: [2, 3], Layout.allCases)
    func aNaNWinsItsWindow(kernel: Int, layout: Layout) throws {
        let pooling = sideBySide(kernel)
        let places = (0..<kernel * kernel).map { (y: $0 / kernel, x: $0 % kernel) }
        var input = integerTensor(pooling.inputShape, seed: 7)
        // In each place of the second window of one channel after the other, and in the last of all.
        for (channel, place) in places.enumerated() {
            input[1, channel, place.y, kernel + place.x] = .nan
        }
        input[2, 4, 5, 11] = .nan
        input[0, 0, 0, 0] = -.infinity
        let geometry = try pooling.geometry()
        withMaxima(geometry, of: input, layout) { output, gradient in
            for (channel, place) in places.enumerated() {
                #expect(output[1, 0, 1, channel].isNaN)
                #expect(gradient[1, place.y, kernel + place.x, channel] == 1)
            }
            #expect(output[2, 6 / kernel - 1, 12 / kernel - 1, 4].isNaN)
            #expect(gradient[2, 5, 11, 4] == 1)
            #expect(output.channelsFirstArray.filter { $0.isNaN }.count == places.count + 1)
        }
    }

    @Test("The first NaN wins each window that it lies in, where windows overlap", arguments: Layout.allCases)
    func aNaNWinsAllItsWindows(layout: Layout) throws {
        let pooling = PoolingCase(kernel: 3, stride: 2, channels: 32)
        let geometry = try pooling.geometry()
        var input = integerTensor(pooling.inputShape, seed: 8)
        // In each place of one window of one channel after the other, and another in the row that it shares with the next one.
        let places = (0..<9).map { (y: 2 + $0 / 3, x: 4 + $0 % 3) }
        let shared = (y: 4, x: 6)
        for (channel, place) in places.enumerated() {
            input[1, channel, place.y, place.x] = .nan
            input[1, channel, shared.y, shared.x] = .nan
        }
        withMaxima(geometry, of: input, layout) { output, gradient in
            for (channel, place) in places.enumerated() {
                var (windows, others) = (0, 0)
                for y in 0..<geometry.output.height {
                    for x in 0..<geometry.output.width {
                        func covers(_ place: (y: Int, x: Int)) -> Bool {
                            0...2 ~= place.y - 2 * y && 0...2 ~= place.x - 2 * x
                        }
                        #expect(output[1, y, x, channel].isNaN == (covers(place) || covers(shared)))
                        if covers(place) { windows += 1 } else if covers(shared) { others += 1 }
                    }
                }
                #expect(gradient[1, place.y, place.x, channel] == Float(windows))
                if place != shared { #expect(gradient[1, shared.y, shared.x, channel] == Float(others)) }
            }
        }
    }

    @Test(arguments: [2, 3], Layout.allCases)
    func amongEqualsTheFirstOfTheWindowGetsTheGradient(kernel: Int, layout: Layout) throws {
        let geometry = try sideBySide(kernel).geometry()
        withMemory { memory in
            let indices = room(geometry, batch: 3, layout, memory)
            let input = memory.tensor(batch: 3, geometry.input, layout)
            // Negative, so that a zero of padding or of an unset maximum would show.
            input.fill(-1)
            let output = memory.tensor(batch: 3, geometry.output, layout)
            Pooling.maximum(geometry, input: input, indices: indices.bytes, into: output)
            #expect(output.channelsFirstArray.allSatisfy { $0 == -1 })
            output.fill(1)
            Pooling.maximumGradient(
                geometry, outputGradient: output, indices: indices.bytes, inputGradient: .overwrite(input))
            for y in 0..<6 {
                for x in 0..<12 {
                    #expect(input[1, y, x, 3] == (y % kernel == 0 && x % kernel == 0 ? 1 : 0))
                }
            }
        }
    }

    /// After a ReLU, whose slope at zero is zero, a window without anything above it passes nothing on.
    @Test(arguments: PoolingCase.all, [Layout.channelsLast, .imagesLast])
    func aMaskingMaximumHasTheGradientOfAReLUBeforeIt(pooling: PoolingCase, layout: Layout) throws {
        let raw = integers(count: pooling.inputShape.reduce(1, *), seed: 8, range: -9...2)
        let input = ReferenceTensor(shape: pooling.inputShape, values: raw.map { max($0, 0) })
        let (expected, indices) = pooling.reference.maximum(input)
        let upstream = integerTensor(expected.shape, seed: 9)
        let passed = pooling.reference.maximumInputGradient(
            upstream, indices: indices, inputShape: input.shape)
        let old = integerTensor(input.shape, seed: 10)
        let geometry = try pooling.geometry()
        for target in Target.allCases {
            withMemory { memory in
                let indices = room(geometry, batch: input.batch, layout, memory)
                let output = memory.tensor(batch: input.batch, geometry.output, layout, margin: 1)
                Pooling.maximum(
                    geometry, input: memory.tensor(input, layout), maskingRectified: true,
                    indices: indices.bytes, into: output)
                expectEqual(output.channelsFirstArray, expected.values)
                let gradient = memory.tensor(old, layout)
                Pooling.maximumGradient(
                    geometry, outputGradient: memory.tensor(upstream, layout), indices: indices.bytes,
                    inputGradient: target.destination(gradient))
                let masked = zip(passed.values, raw).map { $1 > 0 ? $0 : 0 }
                expectEqual(
                    gradient.channelsFirstArray,
                    target == .add ? zip(masked, old.values).map(+) : masked, "\(target)")
            }
        }
    }

    /// Room for the places of maxima.
    private func room(
        _ geometry: PoolingGeometry, batch: Int, _ layout: Layout, _ memory: Memory
    ) -> FloatView {
        memory.view(count: ByteView.floats(forBytes: layout.floats(batch: batch, geometry.output)))
    }

    @Test func roundedUpLessThanAStrideMayStickOut() {
        func rows(_ height: Int, roundsUp: Bool) -> Int? {
            PoolingGeometry(
                input: Shape(height: height, width: 9, channels: 1), kernel: .init(3), stride: .init(2),
                padding: .init(0), roundsUp: roundsUp)?.output.height
        }
        #expect(rows(2, roundsUp: true) == 1)
        #expect(rows(2, roundsUp: false) == nil)
        #expect(rows(1, roundsUp: true) == nil)
    }

    @Test func aWindowThatDoesNotFitHasNoGeometry() {
        #expect(
            PoolingGeometry(
                input: Shape(height: 2, width: 9, channels: 1), kernel: .init(3), stride: .init(1),
                padding: .init(0), roundsUp: true) == nil)
    }
}
