import ApusKernels
import TestSupport
import Testing

@Suite struct ImageColorTests {
    private typealias Change = @Sendable (ImageView, Float, ImageView) -> Void

    private static let changes: [(String, Change)] = [
        ("brightness", { ImageColor.scaleBrightness($0, by: $1, into: $2) }),
        ("contrast", { ImageColor.scaleContrast($0, by: $1, into: $2) }),
        ("saturation", { ImageColor.scaleSaturation($0, by: $1, into: $2) }),
        ("hue", { ImageColor.turnHue($0, by: $1, into: $2) }),
    ]

    @Test("Colours change as torchvision's, into another image and in place", arguments: ImageFixture.names)
    func torchvision(name: String) throws {
        let fixture = try ImageFixture()
        for (change, apply) in Self.changes {
            let results = fixture.results(of: change, to: name)
            #expect(results.count == (change == "hue" ? 5 : 4))
            for (parameter, expected) in results {
                try withMemory { memory in
                    let image = try fixture.image(name, memory)
                    let output = memory.image(image.height, image.width, image.channels)
                    apply(image, Float(parameter)!, output)
                    // Numbers of up to 1.6, rounded ten times in the change of a mean of 63 pixels; a hue's are six
                    // times as large, and its factor is rounded too.
                    expectClose(
                        output.array.map { Double($0) }, expected, absolute: 20 * 0x1p-24,
                        "\(change) \(parameter)")
                    apply(image, Float(parameter)!, image)
                    expectEqual(image.array, output.array)
                }
            }
        }
    }

    @Test("A factor of 1 and a turn of 0 or a whole circle change nothing")
    func identity() {
        withMemory { memory in
            let values = uniformFloats(count: 60, seed: 6).map { abs($0) }
            let image = memory.image(values, 4, 5, 3)
            let output = memory.image(4, 5, 3)
            for (_, apply) in Self.changes.prefix(3) {
                apply(image, 1, output)
                expectEqual(output.array, values)
            }
            for turn in [0, 1, -1] as [Float] {
                ImageColor.turnHue(image, by: turn, into: output)
                expectClose(output.array, values, absolute: 20 * 0x1p-24)
            }
        }
    }

    @Test("A shift is added to each channel, beyond 0 to 1 too")
    func shift() {
        withMemory { memory in
            let output = memory.image(1, 2, 3)
            let image = memory.image([0, 0.5, 1, 0.25, 0.75, 0.125], 1, 2, 3)
            ImageColor.shift(image, by: [0.5, -1, 2], into: output)
            expectEqual(output.array, [0.5, -0.5, 3, 0.75, -0.25, 2.125])
        }
    }
}
