import ApusKernels
import TestSupport
import Testing

@Suite("Resampling of images of floats") struct ImageResamplingTests {
    private static func resampled(
        _ image: ImageView, to height: Int, _ width: Int, _ filter: Resampling.Filter, _ memory: Memory
    ) -> [Float] {
        let channels = image.channels
        let resampling = Resampling(
            from: Shape(height: image.height, width: image.width, channels: channels),
            to: Shape(height: height, width: width, channels: channels), filter: filter)
        let output = memory.image(height, width, channels)
        resampling.apply(
            image, into: output,
            scratch: memory.view(count: resampling.scratchCount(channels: channels)))
        return output.array
    }

    @Test(
        "Every filter gives PyTorch's numbers", arguments: ImageFixture.names,
        Resampling.Filter.allCases)
    func torch(name: String, filter: Resampling.Filter) throws {
        try withMemory { memory in
            let fixture = try ImageFixture()
            let image = try fixture.image(name, memory)
            let results = fixture.results(of: filter.rawValue, to: name)
            #expect(results.count == 6)
            for (size, expected) in results {
                let extents = size.split(separator: "x").map { Int($0)! }
                let actual = Self.resampled(image, to: extents[0], extents[1], filter, memory)
                // Means of numbers up to 1: weights, products and sums of up to four reaches of 9 pixels, rounded in
                // each direction. A cubic's weights come to 1.3 in all, without their signs.
                let roundings = Double(2 * (2 * 4 * 9 + 2))
                expectClose(
                    actual.map { Double($0) }, expected, absolute: roundings * 0x1p-25 * 1.7, size)
            }
        }
    }

    @Test("Of the same size, an image is the same by every filter", arguments: Resampling.Filter.allCases)
    func identity(filter: Resampling.Filter) {
        withMemory { memory in
            for channels in 1...3 {
                let values = uniformFloats(count: 20 * channels, seed: 9)
                let image = memory.image(values, 4, 5, channels)
                expectEqual(Self.resampled(image, to: 4, 5, filter, memory), values)
            }
        }
    }

    @Test("Changed to other sizes and back, the weights are those of a new one")
    func changes() {
        func weights(_ resampling: Resampling) -> [Float] {
            var values: [Float] = []
            withMemory { memory in
                let image = memory.image(
                    (0..<resampling.source.pixels).map { Float($0 * 7 % 11) }, resampling.source.height,
                    resampling.source.width, 1)
                let output = memory.image(resampling.target.height, resampling.target.width, 1)
                resampling.apply(
                    image, into: output, scratch: memory.view(count: resampling.scratchCount(channels: 1)))
                values = output.array
            }
            return values
        }
        func shape(_ height: Int, _ width: Int) -> Shape { Shape(height: height, width: width, channels: 1) }
        var resampling = Resampling(from: shape(9, 8), to: shape(3, 12))
        for (source, target, filter) in [
            (shape(5, 5), shape(7, 2), .bicubic), (shape(5, 5), shape(7, 2), .area),
            (shape(9, 8), shape(3, 12), .bilinear), (shape(9, 8), shape(4, 12), .bilinear),
        ] as [(Shape, Shape, Resampling.Filter)] {
            resampling.change(from: source, to: target, filter: filter)
            expectEqual(
                weights(resampling), weights(Resampling(from: source, to: target, filter: filter)))
        }
    }
}
