import ApusData
import ApusFormats
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite struct RandomAffineTests {
    /// A ramp from left to right, whose samples tell which column they come from.
    private static let ramp = PixelImage.grey(41, 61) { 2 * $1 }
    private static let (middleY, middleX) = (20, 30)

    /// The column that the pixel `down` and `right` of the middle comes from, from the middle on.
    private static func column(_ samples: Samples, down: Int = 0, right: Int = 0) -> Double {
        Double(samples[middleY + down, middleX + right]) * 255 / 2 - Double(middleX)
    }

    @Test("Amounts are uniform in their ranges, on both sides")
    func ranges() throws {
        func amounts(_ transform: RandomAffine, _ read: (Samples) -> Double) throws -> [Double] {
            try transform.samples(of: Self.ramp, count: 600).map(read)
        }
        let degrees = 180 / Double.pi
        for (values, range) in [
            (
                try amounts(RandomAffine(rotation: 30)) {
                    asin(Self.column($0, down: 10) / 10) * degrees
                }, -30...30
            ),
            (try amounts(RandomAffine(shift: 0.2)) { -Self.column($0) }, -12.2...12.2),
            (
                try amounts(RandomAffine(scale: 0.8...1.6)) { 10 / Self.column($0, right: 10) }, 0.8...1.6
            ),
            (
                try amounts(RandomAffine(shear: 20)) {
                    atan(Self.column($0, down: 10) / 10) * degrees
                }, -20...20
            ),
        ] as [([Double], ClosedRange<Double>)] {
            let span = range.upperBound - range.lowerBound
            #expect(values.min()! > range.lowerBound - 1e-3 && values.max()! < range.upperBound + 1e-3)
            // The chance that 600 draws leave out a twentieth at an end is 4e-14.
            #expect(values.min()! < range.lowerBound + span / 20)
            #expect(values.max()! > range.upperBound - span / 20)
            // The mean's deviation is span / sqrt(12 * 600).
            let mean = values.reduce(0, +) / 600
            #expect(abs(mean - (range.lowerBound + range.upperBound) / 2) < 4 * span / 84.8)
        }
    }

    @Test("An image is moved up and down by parts of its height, apart from left and right")
    func vertical() throws {
        let image = PixelImage.grey(41, 61) { y, _ in 2 * y }
        let transform = RandomAffine(shift: 0.2)
        let down = try transform.samples(of: image, count: 300).map {
            Double(Self.middleY) - Double($0[Self.middleY, Self.middleX]) * 255 / 2
        }
        #expect(down.allSatisfy { abs($0) < 8.2 + 1e-3 } && down.contains { abs($0) > 7.5 })
        let right = try transform.samples(of: Self.ramp, count: 300).map { -Self.column($0) }
        // Of 300 pairs, as many have one sign as two, to four deviations.
        #expect(abs(zip(down, right).count { $0 * $1 > 0 } - 150) < 35)
    }

    @Test("Without changes, and of no pixels from outside, an image is as it was")
    func identity() throws {
        for image in [PixelImage.noise(7, 5, 3), .noise(1, 1, 1), .noise(28, 28, 1)] {
            #expect(try RandomAffine(fill: 1).samples(of: image) == Samples(image))
        }
    }

    @Test("What comes from outside is the fill")
    func fill() throws {
        let white = PixelImage.grey(9, 9) { _, _ in 255 }
        let turned = RandomAffine(rotation: 180, shift: 1, fill: 0.25)
        let values = try turned.samples(of: white, count: 30).flatMap(\.values)
        #expect(values.contains(0.25) && values.allSatisfy { 0.25 <= $0 && $0 <= 1 })
    }

    @Test("A distortion of no strength changes nothing, others every image otherwise")
    func elastic() throws {
        let image = PixelImage.noise(28, 28, 1)
        #expect(try ElasticDistortion(strength: 0).samples(of: image) == Samples(image))
        let some = try ElasticDistortion().samples(of: image, count: 3)
        #expect(some[0] != Samples(image) && some[0] != some[1] && some[1] != some[2])
        // A smooth image stays near what it was: displacements are of 1.4 pixels in the mean, by the paper's numbers.
        let ramp = PixelImage.grey(29, 29) { 8 * $1 }
        let moves = try ElasticDistortion().samples(of: ramp, count: 40).flatMap { samples in
            (8..<21).flatMap { y in
                (8..<21).map { Double(samples[y, $0]) * 255 / 8 - Double($0) }
            }
        }
        let deviation = (moves.reduce(0) { $0 + $1 * $1 } / Double(moves.count)).squareRoot()
        // Noise of deviation 1/sqrt(3), smoothed: 34 / sqrt(3) / (2 sqrt(pi) 4) pixels.
        #expect(abs(deviation - 1.384) < 0.2)
    }
}
