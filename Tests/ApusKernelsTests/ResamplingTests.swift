import ApusKernels
import ReferenceKernels
import TestSupport
import Testing

@Suite struct ResamplingTests {
    private static func extent(_ height: Int, _ width: Int, _ channels: Int = 1) -> Shape {
        Shape(height: height, width: width, channels: channels)
    }

    /// The image of `bytes` in another size, `[channels, height, width]`; each channel's numbers are `scales`
    /// times the byte plus `offsets`.
    private static func resampled(
        _ bytes: [UInt8], _ source: Shape, to target: Shape, _ layout: Layout = .channelsFirst,
        scales: [Float]? = nil, offsets: [Float]? = nil
    ) -> [Float] {
        var values: [Float] = []
        withMemory { memory in
            let tensor = memory.tensor(batch: 3, target, layout, margin: layout == .channelsLast ? 2 : 0)
            tensor.load(
                1, bytes: bytes[...], resampling: Resampling(from: source, to: target),
                scales: scales ?? [Float](repeating: 1, count: target.channels),
                offsets: offsets ?? [Float](repeating: 0, count: target.channels))
            values = tensor.images(1..<2).channelsFirstArray
            #expect(tensor.images(0..<1).channelsFirstArray.allSatisfy { $0.isNaN })
            #expect(tensor.images(2..<3).channelsFirstArray.allSatisfy { $0.isNaN })
        }
        return values
    }

    private static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 * 37 % 256) } }

    // for y: torch.nn.functional.interpolate(x, y, mode="bilinear", align_corners=False, antialias=True), with
    // x = torch.tensor([[0., 255, 51], [102, 204, 17]]).view(1, 1, 2, 3), and
    // x = (torch.arange(35) * 37 % 256).float().view(1, 1, 7, 5)
    @Test(
        "Numbers are PyTorch's",
        arguments: [
            (
                [0, 255, 51, 102, 204, 17], extent(2, 3), extent(3, 5),
                [
                    0, 102, 255, 132.6, 51, 51, 122.4, 229.5, 112.2, 34, 102, 142.8, 204, 91.8, 17,
                ]
            ),
            (
                bytes(35), extent(7, 5), extent(3, 2),
                [110.7922, 92.5325, 109.4332, 124.5668, 141.4675, 123.2078]
            ),
            (
                bytes(35), extent(7, 5), extent(3, 8),
                [
                    103.7143, 119.9018, 136.1696, 90.7232, 79.5625, 102.6875, 94.9554, 87.1429, 118.2941,
                    108.1287, 96.4302, 110.1434, 123.8566, 137.5699, 125.8713, 115.7059, 146.8571, 139.0446,
                    131.3125, 154.4375, 143.2768, 97.8304, 114.0982, 130.2857,
                ]
            ),
        ] as [([UInt8], Shape, Shape, [Float])])
    func torch(bytes: [UInt8], source: Shape, target: Shape, expected: [Float]) {
        // Four decimals were written down.
        expectClose(Self.resampled(bytes, source, to: target), expected, absolute: 6e-5)
    }

    @Test("Doubling weighs by quarters, which is exact")
    func doubling() {
        expectEqual(
            Self.resampled([0, 100, 200, 20], Self.extent(2, 2), to: Self.extent(4, 4)),
            [
                0, 25, 75, 100, 50, 57.5, 72.5, 80, 150, 122.5, 67.5, 40, 200, 155, 65, 20,
            ])
    }

    @Test("Of the same size, an image is the same")
    func identity() {
        let bytes = Self.bytes(24)
        expectEqual(
            Self.resampled(bytes, Self.extent(4, 6), to: Self.extent(4, 6)), bytes.map { Float($0) })
    }

    @Test(
        "Every size, layout and number of channels agrees with the definition in double precision",
        arguments: [
            (28, 28, 64, 64), (28, 28, 32, 17), (9, 40, 31, 7), (5, 1, 2, 3), (1, 6, 4, 1), (33, 31, 1, 1),
        ],
        [(1, 1), (1, 3), (3, 3)])
    func reference(sizes: (Int, Int, Int, Int), channels: (Int, Int)) {
        let source = Self.extent(sizes.0, sizes.1, channels.0)
        let target = Self.extent(sizes.2, sizes.3, channels.1)
        let bytes = Self.bytes(source.count)
        let scales: [Float] = [0.5, 2, 0.25]
        let offsets: [Float] = [-1, 0, 3]
        var expected: [Double] = []
        for channel in 0..<target.channels {
            let first = channels.0 == 1 ? 0 : channel
            let plane = stride(from: first, to: bytes.count, by: channels.0).map { Double(bytes[$0]) }
            expected += ReferenceResampling.bilinear(
                plane, height: source.height, width: source.width, toHeight: target.height,
                toWidth: target.width
            ).map { Double(scales[channel]) * $0 + Double(offsets[channel]) }
        }
        // A mean of bytes up to 255, in sums of as many terms as the reach takes in, each rounded: the weights,
        // products and sums in two directions, the scale and the offset.
        func terms(_ source: Int, _ target: Int) -> Int { 2 * (source / target + 1) + 1 }
        let roundings = terms(sizes.0, sizes.2) + terms(sizes.1, sizes.3) + 6
        let rounding = Double(roundings) * Double(Float.ulpOfOne / 2)
        for layout in Layout.allCases {
            let actual = Self.resampled(
                bytes, source, to: target, layout, scales: Array(scales.prefix(target.channels)),
                offsets: Array(offsets.prefix(target.channels)))
            expectClose(actual.map { Double($0) }, expected, absolute: rounding * (255 * 2 + 3))
        }
    }

    @Test("Bytes of one channel are read for every channel, each through its own table")
    func repeated() {
        withMemory { memory in
            for layout in Layout.allCases {
                let tensor = memory.tensor(batch: 1, Self.extent(1, 2, 3), layout)
                let tables = (0..<3).flatMap { channel in (0..<256).map { Float($0 + 1000 * channel) } }
                tensor.load(0, bytes: [7, 9], tables: tables)
                expectEqual(tensor.channelsFirstArray, [7, 9, 1007, 1009, 2007, 2009])
            }
        }
    }
}
