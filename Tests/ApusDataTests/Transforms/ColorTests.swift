import ApusData
import ApusFormats
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite("Colours, lighting and erasing") struct ColorTests {
    private static let image = PixelImage.noise(6, 5, 3)

    @Test("Without strength, nothing changes")
    func identity() throws {
        #expect(try ColorJitter().samples(of: Self.image) == Samples(Self.image))
        #expect(try RandomErasing(probability: 0).samples(of: Self.image) == Samples(Self.image))
    }

    @Test("Factors are uniform around 1, and never below 0", arguments: [0.3, 2])
    func factors(strength: Double) throws {
        let flat = PixelImage.grey(2, 2) { _, _ in 50 }
        let factors = try ColorJitter(brightness: strength).samples(of: flat, count: 500).map {
            Double($0[0, 0]) * 255 / 50
        }
        let (least, most) = (max(0, 1 - strength), 1 + strength)
        #expect(factors.allSatisfy { least - 1e-6 <= $0 && $0 <= most + 1e-6 })
        #expect(factors.min()! < least + (most - least) / 20 && factors.max()! > most - (most - least) / 20)
    }

    @Test("Brightness, contrast, saturation and hue change in every order, each by its own number")
    func orders() throws {
        let jitter = ColorJitter(brightness: 0.4, contrast: 0.5, saturation: 0.6, hue: 0.3)
        var seen: Set<[Int]> = []
        for number in 0..<300 {
            let random = jitter.random(number)
            var (left, order): ([Int], [Int]) = ([0, 1, 2, 3], [])
            var code = random.integer(below: 24, at: 0)
            while !left.isEmpty {
                let place = code % left.count
                code /= left.count
                order.append(left.remove(at: place))
            }
            seen.insert(order)
            let memory = try FloatBuffer(count: 90)
            memory.view.copy(from: Self.image.samples.map { Float($0) / 255 })
            let image = ImageView(memory.view, height: 6, width: 5, channels: 3)
            for change in order {
                func number(_ least: Double, _ most: Double) -> Float {
                    Float(least + (most - least) * Double(random.uniform(at: 4 + change)))
                }
                switch change {
                case 0: ImageColor.scaleBrightness(image, by: number(0.6, 1.4), into: image)
                case 1: ImageColor.scaleContrast(image, by: number(0.5, 1.5), into: image)
                case 2: ImageColor.scaleSaturation(image, by: number(0.4, 1.6), into: image)
                default: ImageColor.turnHue(image, by: number(-0.3, 0.3), into: image)
                }
            }
            #expect(try jitter.samples(of: Self.image, number: number).values == memory.view.array)
        }
        #expect(seen.count == 24)
    }

    @Test("Lighting moves all pixels alike, along the directions in which a dataset's colours vary")
    func lighting() throws {
        let data = SomeImages(images: (0..<5).map { .noise(4, 3 + $0, 3, seed: UInt64($0)) })
        let pixels = data.images.flatMap { image in
            (0..<image.height * image.width).map { pixel in
                (0..<3).map { Double(image.samples[3 * pixel + $0]) / 255 }
            }
        }
        func mean(_ value: ([Double]) -> Double) -> Double {
            pixels.reduce(0) { $0 + value($1) } / Double(pixels.count)
        }
        let means = (0..<3).map { channel in mean { $0[channel] } }
        let covariance = (0..<3).map { row in
            (0..<3).map { column in mean { ($0[row] - means[row]) * ($0[column] - means[column]) } }
        }
        let components = try PrincipalComponents(covariance: covariance)
        let lighting = Lighting(deviation: 0.2)
        let prepared = try #require(try lighting.prepared(for: data) as? Lighting)
        let found = try #require(prepared.components)
        expectClose(found.variances, components.variances, absolute: 1e-12)
        expectClose(
            found.directions.flatMap { $0 }, components.directions.flatMap { $0 }, absolute: 1e-9)

        let plain = Samples(Self.image)
        for number in 0..<20 {
            let samples = try prepared.samples(of: Self.image, number: number)
            let amounts = (0..<3).map { index in
                Double(lighting.random(number).normal(at: index)) * 0.2
                    * components.variances[index].squareRoot()
            }
            let shifts = (0..<3).map { channel in
                (0..<3).reduce(0.0) { $0 + amounts[$1] * components.directions[$1][channel] }
            }
            expectClose(
                samples.values.map { Double($0) },
                plain.values.indices.map { Double(plain.values[$0]) + shifts[$0 % 3] }, absolute: 4 * 0x1p-24)
        }
        #expect(throws: TransformError.channels(transform: "lighting", found: 1, expected: 3)) {
            try lighting.prepared(for: SomeImages(images: [.noise(2, 2, 1)]))
        }
        #expect(throws: TransformError.self) { try lighting.samples(of: Self.image) }
    }

    @Test("What is erased is a window of an area and a shape in their ranges, at any place")
    func erasing() throws {
        // No sample is as the fill.
        let image = PixelImage.grey(40, 50) { y, x in 1 + (y + x) % 200 }
        let plain = Samples(image)
        let erasing = RandomErasing(probability: 0.5, area: 0.05...0.3, ratio: 0.5...2, fill: .value(0))
        var (areas, ratios): ([Double], [Double]) = ([], [])
        var corners: Set<Int> = []
        for samples in try erasing.samples(of: image, count: 800) where samples != plain {
            let erased = samples.values.indices.filter { samples.values[$0] == 0 }
            let rows = erased.map { $0 / 50 }, columns = erased.map { $0 % 50 }
            let (height, width) = (rows.max()! - rows.min()! + 1, columns.max()! - columns.min()! + 1)
            #expect(erased.count == height * width)
            #expect(
                samples.values.indices.allSatisfy {
                    samples.values[$0] == 0 || samples.values[$0] == plain.values[$0]
                })
            areas.append(Double(height * width) / 2000)
            ratios.append(Double(height) / Double(width))
            corners.insert(erased[0])
        }
        #expect(abs(areas.count - 400) < 4 * 15)
        // Extents of 7 pixels and more are rounded to whole ones.
        #expect(areas.allSatisfy { 0.05 * 0.85 < $0 && $0 < 0.3 * 1.05 })
        #expect(ratios.allSatisfy { 0.5 * 0.87 < $0 && $0 < 2 * 1.15 })
        #expect(areas.min()! < 0.08 && areas.max()! > 0.27 && ratios.min()! < 0.6 && ratios.max()! > 1.7)
        #expect(corners.count > 200)
    }

    @Test("Noise is uniform, and each image's own")
    func noise() throws {
        let image = PixelImage.grey(40, 40) { _, _ in 255 }
        let erasing = RandomErasing(probability: 1, area: 0.3...0.3)
        let some = try erasing.samples(of: image, count: 20).map { $0.values.filter { $0 != 1 } }
        #expect(some.allSatisfy { $0.count > 300 && $0.allSatisfy { 0 <= $0 && $0 < 1 } })
        #expect(Set(some.map { $0[0] }).count == 20)
        let all = some.flatMap { $0 }
        #expect(abs(all.reduce(0, +) / Float(all.count) - 0.5) < 0.02)
    }
}
