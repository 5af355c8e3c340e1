import ApusKernels
import TestSupport
import Testing

@Suite struct ImageViewTests {
    private static func numbers(_ count: Int) -> [Float] { (0..<count).map { Float($0) } }

    @Test("A part of an image is an image, in the same memory")
    func parts() {
        withMemory { memory in
            let image = memory.image(Self.numbers(24), 3, 4, 2)
            let part = image.part(rows: 1..<3, columns: 1..<3)
            expectEqual(part.array, [10, 11, 12, 13, 18, 19, 20, 21])
            part[1, 0, 1] = -1
            #expect(image[2, 1, 1] == -1)
            part.fill(5)
            expectEqual(
                image.array,
                [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 5, 5, 5, 5, 14, 15, 16, 17, 5, 5, 5, 5, 22, 23])
        }
    }

    @Test("A copy is exact, mirrored or upside down as asked", arguments: [1, 2, 3])
    func copies(channels: Int) {
        withMemory { memory in
            let image = memory.image(Self.numbers(12 * channels), 3, 4, channels)
            let reference = ReferenceImage(image)
            let copy = memory.image(3, 4, channels)
            func expect(_ body: (Int, Int, Int) -> Double) {
                expectEqual(copy.array.map { Double($0) }, reference.map(body))
            }
            copy.copy(from: image)
            expect { reference.at($0, $1, $2) }
            copy.copyMirrored(from: image)
            expect { reference.at($0, 3 - $1, $2) }
            copy.copyUpsideDown(from: image)
            expect { reference.at(2 - $0, $1, $2) }
        }
    }

    @Test("A copy from any place holds what lies there, and the fill outside", arguments: [1, 3])
    func windows(channels: Int) {
        withMemory { memory in
            let image = memory.image(Self.numbers(12 * channels), 3, 4, channels)
            let reference = ReferenceImage(image, fill: -7)
            for (height, width) in [(3, 4), (1, 1), (6, 2), (2, 9)] {
                for (top, left) in [(0, 0), (-1, -2), (1, 2), (-2, 1), (2, -3), (5, 0), (-9, -9), (0, 4)] {
                    let window = memory.image(height, width, channels)
                    window.copy(from: image, top: top, left: left, fill: -7)
                    expectEqual(
                        window.array.map { Double($0) },
                        ReferenceImage(window).map { reference.at($0 + top, $1 + left, $2) })
                }
            }
        }
    }

    @Test("Bytes become samples from 0 to 1, both exact")
    func bytes() {
        withMemory { memory in
            let image = memory.image(16, 16, 1)
            image.load(bytes: (0...255).map { UInt8($0) })
            expectEqual(image.array, (0...255).map { Float($0) / 255 })
            #expect(image[0, 0, 0] == 0 && image[15, 15, 0] == 1)
        }
    }

    @Test("Noise is the stream's numbers, in the order of the samples")
    func noise() {
        withMemory { memory in
            let random = CounterRandom(seed: 3, purpose: .augmentation, sample: 5)
            let image = memory.image(3, 5, 2)
            image.fill(with: random, from: 7)
            expectEqual(image.array, (7..<37).map { random.uniform(at: $0) })
        }
    }

    @Test(
        "Samples reach a batch scaled and moved, a single channel every one of it",
        arguments: Layout.allCases, [(1, 1), (1, 3), (3, 3)])
    func tensors(layout: Layout, channels: (Int, Int)) {
        withMemory { memory in
            let image = memory.image(Self.numbers(12 * channels.0), 3, 4, channels.0)
            let shape = Shape(height: 3, width: 4, channels: channels.1)
            let tensor = memory.tensor(
                batch: 3, shape, layout, margin: layout == .channelsLast ? 1 : 0)
            let (scales, offsets) = ([2, 3, 4] as [Float], [1, -1, 0.5] as [Float])
            tensor.load(
                1, samples: image, scales: Array(scales.prefix(channels.1)),
                offsets: Array(offsets.prefix(channels.1)))
            for channel in 0..<channels.1 {
                for y in 0..<3 {
                    for x in 0..<4 {
                        let sample = image[y, x, channels.0 == 1 ? 0 : channel]
                        #expect(tensor[1, y, x, channel] == scales[channel] * sample + offsets[channel])
                    }
                }
            }
            for other in [0, 2] {
                #expect(tensor.images(other..<other + 1).channelsFirstArray.allSatisfy { $0.isNaN })
            }
        }
    }
}
