import ApusData
import ApusFormats
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite("Flips, crops and resizing") struct GeometryTests {
    private static let image = PixelImage.noise(5, 4, 3)

    @Test("A flip happens with its probability, to the whole image", arguments: RandomFlip.Direction.allCases)
    func flips(direction: RandomFlip.Direction) throws {
        let plain = Samples(Self.image)
        let always = try RandomFlip(direction, probability: 1).samples(of: Self.image)
        for y in 0..<5 {
            for x in 0..<4 {
                for channel in 0..<3 {
                    let (row, column) = direction == .horizontal ? (y, 3 - x) : (4 - y, x)
                    #expect(always[y, x, channel] == plain[row, column, channel])
                }
            }
        }
        #expect(
            try RandomFlip(direction, probability: 0).samples(of: Self.image, count: 50).allSatisfy {
                $0 == plain
            })
        for (probability, expected) in [(0.5, 500.0), (0.1, 100)] {
            let all = try RandomFlip(direction, probability: probability).samples(of: Self.image, count: 1000)
            let flipped = all.count { $0 == always }
            #expect(all.allSatisfy { $0 == always || $0 == plain })
            // Four deviations of a binomial.
            #expect(abs(Double(flipped) - expected) < 4 * (expected * (1 - probability)).squareRoot())
        }
    }

    @Test("A crop from a padded image is any window of it, and each occurs")
    func padCrop() throws {
        let plain = Samples(Self.image)
        let all = try RandomCrop(padding: 2, fill: 0.5).samples(of: Self.image, count: 500)
        var places: Set<[Int]> = []
        for crop in all {
            #expect(crop.size == plain.size)
            let place = (-2...2).flatMap { top in (-2...2).map { (top, $0) } }.first { top, left in
                (0..<5).allSatisfy { y in
                    (0..<4).allSatisfy { x in
                        let (row, column) = (y + top, x + left)
                        let isInside = 0..<5 ~= row && 0..<4 ~= column
                        return crop[y, x] == (isInside ? plain[row, column] : 0.5)
                    }
                }
            }
            let found = try #require(place)
            places.insert([found.0, found.1])
        }
        #expect(places.count == 25)
        let window = RandomCrop(size: ImageSize(height: 2, width: 4))
        #expect(try window.samples(of: Self.image).size == ImageSize(height: 2, width: 4))
        #expect(throws: TransformError.self) {
            try RandomCrop(size: ImageSize(6)).outputSize(of: ImageSize(5))
        }
        #expect(try RandomCrop(padding: 1, size: ImageSize(6)).outputSize(of: ImageSize(5)) == ImageSize(6))
    }

    // for n, s in ((5, 2), (6, 3), (7, 4), (4, 4), (3, 6), (2, 5)): torchvision's center_crop of torch.arange(1, n + 1)
    @Test(
        "The middle is torchvision's",
        arguments: [
            (5, 2, [3, 4]), (6, 3, [3, 4, 5]), (7, 4, [3, 4, 5, 6]), (4, 4, [1, 2, 3, 4]),
            (3, 6, [0, 1, 2, 3, 0, 0]), (2, 5, [0, 1, 2, 0, 0]),
        ] as [(Int, Int, [Float])])
    func centerCrop(extent: Int, size: Int, expected: [Float]) throws {
        let row = PixelImage.grey(1, extent) { $1 + 1 }
        let crop = try CenterCrop(ImageSize(height: 1, width: size)).samples(of: row)
        #expect(crop.values == expected.map { $0 / 255 })
    }

    @Test("A window of a given area and shape is any that fits, unchanged where it has the size wanted")
    func resizedCrop() throws {
        let image = PixelImage.noise(8, 8, 1)
        let plain = Samples(image)
        let crop = RandomResizedCrop(ImageSize(4), area: 0.25...0.25, ratio: 1...1)
        var places: Set<[Int]> = []
        for samples in try crop.samples(of: image, count: 400) {
            let place = (0...4).flatMap { top in (0...4).map { [top, $0] } }.first { place in
                (0..<4).allSatisfy { y in
                    (0..<4).allSatisfy { samples[y, $0] == plain[y + place[0], $0 + place[1]] }
                }
            }
            places.insert(try #require(place))
        }
        #expect(places.count == 25)
        let whole = RandomResizedCrop(ImageSize(8), area: 1...1, ratio: 1...1)
        #expect(try whole.samples(of: image, count: 20).allSatisfy { $0 == plain })
    }

    @Test("Windows have areas and shapes in their ranges, and use them up")
    func windows() throws {
        // Of a ramp, the means of a window's halves tell its extent.
        let (height, width) = (90, 120)
        let crop = RandomResizedCrop(ImageSize(2), filter: .area)
        let right = try crop.samples(of: .grey(height, width) { $1 }, count: 600)
        let down = try crop.samples(of: .grey(height, width) { y, _ in y }, count: 600)
        var (areas, ratios): ([Double], [Double]) = ([], [])
        for (right, down) in zip(right, down) {
            // Halves of odd extents share a pixel, and are nearer by half of one.
            let columns = Double((right[0, 1] - right[0, 0]) * 510)
            let rows = Double((down[1, 0] - down[0, 0]) * 510)
            areas.append(rows * columns / Double(height * width))
            ratios.append(columns / rows)
        }
        // Extents of 20 pixels and more are rounded to whole ones, and measured to one.
        #expect(areas.allSatisfy { 0.08 * 0.85 < $0 && $0 < 1.001 })
        #expect(ratios.allSatisfy { 0.75 * 0.92 < $0 && $0 < 4 / 3 * 1.09 })
        #expect(areas.min()! < 0.15 && areas.max()! > 0.85)
        #expect(ratios.min()! < 0.8 && ratios.max()! > 1.25)
    }

    @Test(
        "Of images that no window fits, the middle is kept", arguments: [(1, 100), (100, 1), (1, 1), (2, 3)])
    func narrow(height: Int, width: Int) throws {
        let crop = RandomResizedCrop(ImageSize(4), area: 1...1)
        let samples = try crop.samples(of: .grey(height, width) { max($0, $1) })
        #expect(samples.size == ImageSize(4))
        if width == 100 { #expect(samples.values.allSatisfy { abs($0 * 255 - 49.5) <= 1 }) }
    }

    @Test("Resizing gives the size asked for, or keeps the ratio")
    func resize() throws {
        func size(_ resize: Resize, _ height: Int, _ width: Int) throws -> [Int] {
            let size = try resize.outputSize(of: ImageSize(height: height, width: width))
            return [size.height, size.width]
        }
        #expect(try size(Resize(ImageSize(height: 3, width: 9)), 50, 60) == [3, 9])
        let shorter = Resize(shorterSide: 256)
        #expect(try size(shorter, 480, 640) == [256, 341])
        #expect(try size(shorter, 640, 480) == [341, 256])
        #expect(try size(shorter, 100, 100) == [256, 256])
        #expect(throws: TransformError.self) { try size(shorter, 1, 5000) }
        #expect(shorter.outputSize == nil)
        #expect(try Resize(shorterSide: 4).samples(of: Self.image) == Samples(Self.image))
        #expect(try Resize(ImageSize(7), filter: .bicubic).samples(of: Self.image).size == ImageSize(7))
    }
}
