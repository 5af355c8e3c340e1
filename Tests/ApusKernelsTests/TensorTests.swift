import ApusKernels
import ReferenceKernels
import Testing
import TestSupport

@Suite struct TensorTests {
    private static let extents = [2, 3, 4, 5]

    @Test func layoutsPutTheSameElementsInTheirOrder() {
        let values = integerTensor(Self.extents, seed: 1)
        withMemory { memory in
            let shape = Shape(height: 4, width: 5, channels: 3)
            let (first, last) = (memory.view(count: 120), memory.view(count: 120))
            let images = memory.view(count: 16 * 60)
            for (view, layout) in [
                (first, Layout.channelsFirst), (last, .channelsLast), (images, .imagesLast),
            ] {
                let tensor = Tensor(view, batch: 2, shape: shape, layout: layout)
                for image in 0..<2 {
                    tensor.load(image, channelsFirst: Array(values.values[image * 60..<(image + 1) * 60]))
                }
                for n in 0..<2 {
                    for c in 0..<3 {
                        for y in 0..<4 {
                            for x in 0..<5 { #expect(tensor[n, y, x, c] == values[n, c, y, x]) }
                        }
                    }
                }
                expectEqual(tensor.channelsFirstArray, values.values)
            }
            expectEqual(first.array, values.values)
            expectEqual(last.array, values.channelsLast)
            for (place, value) in images.array.enumerated() {
                let (element, image) = place.quotientAndRemainder(dividingBy: 16)
                // What the block has room for beyond the batch stays as it was.
                #expect(image < 2 ? value == values.values[image * 60 + element] : value.isNaN)
            }
        }
    }

    @Test(arguments: Layout.allCases, Layout.allCases)
    func anImageIsCopiedFromAnyLayout(layout: Layout, other: Layout) {
        withMemory { memory in
            let target = memory.tensor(integerTensor(Self.extents, seed: 8), layout)
            let source = memory.tensor(integerTensor(Self.extents, seed: 9), other)
            let kept = target.images(0..<1).channelsFirstArray
            target.copy(1, from: source, 0)
            expectEqual(target.channelsFirstArray, kept + source.images(0..<1).channelsFirstArray)
        }
    }

    @Test(arguments: Layout.allCases, [1, 13, 16, 37])
    func vectorsAreCopiedToTheRowsOfAMatrix(layout: Layout, batch: Int) {
        let features = 21
        let values = integerTensor([batch, features, 1, 1], seed: 4)
        withMemory { memory in
            let tensor = memory.tensor(values, layout)
            let view = memory.view([Float](repeating: 99, count: batch * (features + 3)))
            tensor.copyVectors(
                to: view.matrix(rows: batch, columns: features, leadingDimension: features + 3))
            for (place, value) in view.array.enumerated() {
                let (image, feature) = place.quotientAndRemainder(dividingBy: features + 3)
                #expect(value == (feature < features ? values[image, feature, 0, 0] : 99))
            }
        }
    }

    @Test(arguments: Layout.allCases)
    func aSliceOfChannelsIsTheirMemory(layout: Layout) {
        withMemory { memory in
            let whole = memory.tensor(integerTensor(Self.extents, seed: 2), layout)
            let slice = whole.channels(1..<3)
            #expect(slice.shape == Shape(height: 4, width: 5, channels: 2))
            #expect(slice[1, 2, 3, 0] == whole[1, 2, 3, 1])
            #expect(!slice.isDense && whole.isDense)
            slice[1, 2, 3, 1] = 77
            #expect(whole[1, 2, 3, 2] == 77)
            let one = slice.channels(1..<2)
            #expect(one[1, 2, 3, 0] == 77)
            slice.fill(5)
            #expect(whole.channels(1..<3).channelsFirstArray.allSatisfy { $0 == 5 })
            #expect(whole.channels(0..<1).channelsFirstArray.contains { $0 != 5 })
        }
    }

    @Test(arguments: Layout.allCases)
    func imagesOfASliceAreThoseOfTheWhole(layout: Layout) {
        withMemory { memory in
            let whole = memory.tensor(integerTensor([37, 3, 4, 5], seed: 3), layout)
            for first in [2, 15, 16, 34] {
                let images = whole.channels(1..<3).images(first..<first + 2)
                #expect(images.batch == 2)
                #expect(images[0, 3, 4, 1] == whole[first, 3, 4, 2])
                #expect(images[1, 0, 1, 0] == whole[first + 1, 0, 1, 1])
                #expect(images.images(1..<2)[0, 2, 2, 0] == whole[first + 1, 2, 2, 1])
                let vectors = images.channels(0..<1).images(1..<2)
                #expect(
                    vectors.channelsFirstArray
                        == whole.images(first + 1..<first + 2).channels(1..<2).channelsFirstArray)
            }
            #expect(whole.images(2..<2).count == 0)
            // Rows of whole blocks are theirs alone.
            whole.images(16..<32).fill(9)
            #expect(whole.images(16..<32).channelsFirstArray.allSatisfy { $0 == 9 })
            #expect(whole.images(32..<37).channelsFirstArray.allSatisfy { abs($0) <= 4 })
        }
    }

    @Test(arguments: [Layout.channelsFirst, .imagesLast])
    func aViewUnderAnotherShapeKeepsTheOrderOfFiles(layout: Layout) {
        withMemory { memory in
            let values = integerTensor(Self.extents, seed: 4)
            let tensor = memory.tensor(values, layout, margin: 2)
            let vector = tensor.viewed(as: .features(60))
            #expect(vector.batch == 2 && vector.shape.isVector)
            expectEqual(vector.channelsFirstArray, values.values)
            expectEqual(
                GradientDestination.add(tensor).viewed(as: .features(60)).tensor?.channelsFirstArray ?? [],
                values.values)
        }
    }

    @Test(arguments: Layout.allCases, [0, 2])
    func flatteningGivesTheOrderOfFilesAndUnflatteningUndoesIt(layout: Layout, margin: Int) {
        let values = integerTensor(Self.extents, seed: 5)
        let old = integerTensor(Self.extents, seed: 6)
        withMemory { memory in
            let vector = memory.tensor(batch: 2, .features(60), layout, margin: margin)
            vector.flatten(memory.tensor(values, layout, margin: margin))
            expectEqual(vector.channelsFirstArray, values.values)
            for target in Target.allCases {
                let map = memory.tensor(old, layout, margin: margin)
                target.destination(map).unflatten(vector)
                expectEqual(
                    map.channelsFirstArray,
                    target == .add ? zip(values.values, old.values).map(+) : values.values)
            }
        }
    }

    @Test(arguments: Layout.allCases, [0, 2])
    func elementwiseOperationsMeetTheSamePlaces(layout: Layout, margin: Int) {
        let (one, two) = (integerTensor(Self.extents, seed: 7), integerTensor(Self.extents, seed: 8))
        let sums = zip(one.values, two.values).map(+)
        withMemory { memory in
            let x = memory.tensor(one, layout, margin: margin)
            // The other dense where this one is not, and the other way round.
            let y = memory.tensor(two, layout, margin: 2 - margin)
            let z = memory.tensor(batch: 2, x.shape, layout, margin: margin)
            z.copy(from: y)
            expectEqual(z.channelsFirstArray, two.values)
            z.add(x)
            expectEqual(z.channelsFirstArray, sums)
            z.map(x) { 2 * $0 }
            expectEqual(z.channelsFirstArray, one.values.map { 2 * $0 })
            z.zip(x, y) { $0 - 3 * $1 }
            expectEqual(z.channelsFirstArray, zip(one.values, two.values).map { $0 - 3 * $1 })
            x.map(x) { -$0 }
            expectEqual(x.channelsFirstArray, one.values.map { -$0 })
        }
    }

    @Test(arguments: Layout.allCases, [0, 2])
    func destinationsDiscardOverwriteOrAdd(layout: Layout, margin: Int) {
        let (dy, v) = (integerTensor(Self.extents, seed: 9), integerTensor(Self.extents, seed: 10))
        let old = integerTensor(Self.extents, seed: 11)
        let products = zip(dy.values, v.values).map { $0 * $1 }
        withMemory { memory in
            let upstream = memory.tensor(dy, layout, margin: margin)
            let values = memory.tensor(v, layout)
            for target in Target.allCases {
                let tensor = memory.tensor(old, layout, margin: margin)
                target.destination(tensor).apply(upstream, values) { $0 * $1 }
                let expected = target == .add ? zip(products, old.values).map(+) : products
                expectEqual(tensor.channelsFirstArray, expected)
                target.destination(tensor).apply(upstream)
                expectEqual(
                    tensor.channelsFirstArray,
                    target == .add ? zip(expected, dy.values).map(+) : dy.values)
                target.destination(tensor).clear()
                #expect(tensor.channelsFirstArray.allSatisfy { $0 == 0 } == (target == .overwrite))
            }
            #expect(GradientDestination.discard.tensor == nil)
            #expect(GradientDestination.discard.adding.tensor == nil)
            #expect(GradientDestination.overwrite(upstream).adding.isAddition)
        }
    }

    @Test(arguments: Layout.allCases)
    func bytesAreLookedUpByChannel(layout: Layout) {
        withMemory { memory in
            let tensor = memory.tensor(batch: 2, Shape(height: 1, width: 2, channels: 2), layout)
            let bright = (0..<256).map { Float($0) }
            let tables = bright + bright.map { -10 * $0 }
            let bytes: [UInt8] = [9, 1, 2, 3, 255]
            tensor.load(1, bytes: bytes[1...], tables: tables)
            #expect(tensor.images(1..<2).channelsFirstArray == [1, 3, -20, -2550])
            #expect(tensor[0, 0, 0, 0].isNaN)
        }
    }

    @Test(
        "Bytes of all images are looked up by channel, of whole blocks of images and of what is left",
        arguments: Layout.allCases, [(1, 1), (1, 3), (2, 2), (3, 3)])
    func bytesOfAllImagesAreLookedUp(layout: Layout, channels: (bytes: Int, tensor: Int)) {
        let (batch, shape) = (37, Shape(height: 3, width: 5, channels: channels.tensor))
        let count = shape.pixels * channels.bytes
        let bytes = (0..<1 + 40 * count).map { UInt8(truncatingIfNeeded: 89 * $0) }
        let tables = (0..<256 * channels.tensor).map { Float($0) * 0.5 }
        func start(_ image: Int) -> Int { 1 + (image * 7 + 3) % 40 * count }
        let expected = (0..<batch).map { image in
            (0..<channels.tensor).flatMap { channel in
                (0..<shape.pixels).map { pixel in
                    let byte = pixel * channels.bytes + (channels.bytes == 1 ? 0 : channel)
                    return tables[256 * channel + Int(bytes[start(image) + byte])]
                }
            }
        }
        for margin in [0, 1] {
            withMemory { memory in
                let all = memory.tensor(batch: batch, shape, layout, margin: margin)
                all.load(bytes, channels: channels.bytes, tables: tables, from: start)
                expectEqual(all.channelsFirstArray, expected.flatMap { $0 })

                // Neighbours that share a block with these keep what they are.
                all.fill(-1)
                all.images(5..<23).load(
                    bytes, channels: channels.bytes, tables: tables, from: { start($0 + 5) })
                let others = [Float](repeating: -1, count: shape.count)
                expectEqual(
                    all.channelsFirstArray,
                    (0..<batch).flatMap { 5..<23 ~= $0 ? expected[$0] : others })
            }
        }
    }

    @Test func shapesCountAndDescribeThemselves() {
        let map = Shape(height: 28, width: 30, channels: 3)
        #expect(map.pixels == 840 && map.count == 2520 && !map.isVector && "\(map)" == "28x30x3")
        #expect(Shape.features(120).isVector && "\(Shape.features(120))" == "120")
    }
}
