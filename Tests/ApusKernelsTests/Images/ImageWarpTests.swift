import ApusKernels
import TestSupport
import Testing

@Suite struct ImageWarpTests {
    private static func warped(
        _ image: ImageView, _ map: AffineMap, fill: Float = 0, _ memory: Memory
    ) -> [Float] {
        let output = memory.image(image.height, image.width, image.channels)
        let count = ImageWarp.scratchCount(
            height: image.height, width: image.width, channels: image.channels)
        ImageWarp.apply(map, image, into: output, fill: fill, scratch: memory.view(count: count))
        return output.array
    }

    /// Places are rounded to 2^-24 of a pixel in two directions, in which neighbours differ by 1 at most, and each of
    /// three means rounds three times, numbers of 1 at most.
    private static let rounding = (2 + 9) * 0x1p-24

    @Test("Turned, moved, scaled and sheared images are torchvision's", arguments: ImageFixture.names)
    func torchvision(name: String) throws {
        try withMemory { memory in
            let fixture = try ImageFixture()
            let image = try fixture.image(name, memory)
            let results = fixture.results(of: "affine", to: name)
            #expect(results.count == 8)
            for (parameters, expected) in results {
                let p = parameters.split(separator: ",").map { Double($0)! }
                let map = AffineMap(
                    height: image.height, width: image.width, rotation: p[0], shift: (p[1], p[2]),
                    scale: p[3], shear: p[4])
                let actual = Self.warped(image, map, memory).map { Double($0) }
                expectClose(actual, expected, absolute: Self.rounding, parameters)
            }
        }
    }

    @Test("Of no change, and of moves by whole pixels, the result is exact", arguments: [1, 2, 3])
    func exact(channels: Int) {
        withMemory { memory in
            let image = memory.image(uniformFloats(count: 30 * channels, seed: 2), 5, 6, channels)
            let reference = ReferenceImage(image, fill: 0.25)
            for (right, down) in [(0, 0), (2, 0), (0, -1), (-3, 4), (50, 0), (-60_000, 60_000)] {
                let map = AffineMap(
                    height: 5, width: 6, rotation: 0, shift: (Double(right), Double(down)), scale: 1, shear: 0
                )
                expectEqual(
                    Self.warped(image, map, fill: 0.25, memory).map { Double($0) },
                    reference.map { reference.at($0 - down, $1 - right, $2) })
            }
        }
    }

    @Test("Any map agrees with its definition in double precision, the fill being all around")
    func definition() {
        withMemory { memory in
            for (height, width, channels) in [(1, 1, 1), (5, 8, 1), (9, 4, 3), (3, 3, 2)] {
                let image = memory.image(
                    uniformFloats(count: height * width * channels, seed: 3).map { abs($0) }, height, width,
                    channels)
                let reference = ReferenceImage(image, fill: 0.5)
                for (turn, shift, scale, shear) in [
                    (30, (1.5, -0.25), 1.2, 10), (-100, (0, 2), 0.0625, -60), (180, (-1, 1), 16, 0),
                ] as [(Double, (Double, Double), Double, Double)] {
                    let map = AffineMap(
                        height: height, width: width, rotation: turn, shift: shift, scale: scale, shear: shear
                    )
                    expectClose(
                        Self.warped(image, map, fill: 0.5, memory).map { Double($0) },
                        reference.map { y, x, channel in
                            let (y, x) = (Double(y), Double(x))
                            return reference.between(
                                map.yx * x + map.yy * y + map.y0, map.xx * x + map.xy * y + map.x0, channel)
                        }, absolute: Self.rounding)
                }
            }
        }
    }

    @Test("Displaced pixels come from where the displacements say", arguments: [1, 3])
    func displacements(channels: Int) {
        withMemory { memory in
            let image = memory.image(
                uniformFloats(count: 35 * channels, seed: 4).map { abs($0) }, 5, 7, channels)
            let reference = ReferenceImage(image, fill: 1)
            var moves = uniformFloats(count: 70, seed: 5).map { 4 * $0 }
            moves[0..<4] = [0, 1, -1e9, 1e9]
            let output = memory.image(5, 7, channels)
            let scratch = memory.view(
                count: ImageWarp.scratchCount(height: 5, width: 7, channels: channels))
            ImageWarp.displace(image, by: memory.view(moves), into: output, fill: 1, scratch: scratch)
            // A place up to 8 is rounded to 2^-21 of a pixel in each direction.
            expectClose(
                output.array.map { Double($0) },
                reference.map { y, x, channel in
                    reference.between(
                        Double(y) + Double(moves[35 + 7 * y + x]), Double(x) + Double(moves[7 * y + x]),
                        channel)
                }, absolute: Self.rounding + 2 * 0x1p-21)
        }
    }
}
