import ApusFormats
import ApusKernels
import Foundation

/// Adds to every pixel of an image the same random multiples of the directions in which the colours of a dataset
/// vary, each as much as they do (Krizhevsky, Sutskever and Hinton, 2012, "ImageNet classification with deep
/// convolutional neural networks").
public struct Lighting: Transform, Hashable {
    /// Of the normal multiples; the paper's is 0.1.
    public let deviation: Double
    /// Of the colours; nil until they were found out of a dataset.
    public let components: PrincipalComponents?

    /// Images of a dataset that tell how its colours vary.
    static let greatestSample = 2000

    public init(deviation: Double = 0.1, components: PrincipalComponents? = nil) {
        self.deviation = deviation
        self.components = components
    }

    public func check() throws {
        try TransformError.check(deviation, "lighting", in: 0...10)
        guard components?.variances.count ?? 3 == 3 else {
            throw TransformError.channels(
                transform: "lighting", found: components?.variances.count ?? 0, expected: 3)
        }
    }

    public func prepared(for data: any Dataset) throws -> any Transform {
        guard data.channels == 3 else {
            throw TransformError.channels(transform: "lighting", found: data.channels, expected: 3)
        }
        guard components == nil else { return self }
        return Lighting(
            deviation: deviation,
            components: try PrincipalComponents(covariance: Self.colorCovariance(of: data)))
    }

    public func leastInput(of size: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        least
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws {
        guard let components else {
            throw TransformError.invalidValue(
                "", name: "lighting", requirement: "prepared for a dataset, or given components")
        }
        var shifts = SIMD3<Float>.zero
        for (index, direction) in components.directions.enumerated() {
            let amount =
                Double(context.random.normal(at: index)) * deviation
                * components.variances[index].squareRoot()
            for channel in 0..<3 { shifts[channel] += Float(amount * direction[channel]) }
        }
        ImageColor.shift(input, by: shifts, into: output)
    }

    /// How the red, green and blue of pixels vary together, on the scale from 0 to 1: over all images, or evenly
    /// spread ones of many. All threads look at them.
    static func colorCovariance(of data: any Dataset) throws -> [[Double]] {
        let count = min(data.count, greatestSample)
        let images = try Workers().tryMap(count: count) { sample in
            try ColorSums(of: data.image(sample * data.count / count, atLeast: Normalization.sampledSize))
        }
        let sums = (0..<3).map { channel in images.reduce(0) { $0 + $1.sums[channel] } }
        let products = (0..<9).map { place in images.reduce(0) { $0 + $1.products[place] } }
        let pixels = images.reduce(0) { $0 + $1.pixels }
        let scale = Double(max(pixels, 1))
        return (0..<3).map { row in
            (0..<3).map { column in
                let mean = Double(sums[row]) / scale * (Double(sums[column]) / scale)
                return (Double(products[3 * max(row, column) + min(row, column)]) / scale - mean)
                    / (255 * 255)
            }
        }
    }
}

/// Sums over an image's pixels: whole numbers, that no order of adding changes.
private struct ColorSums: Sendable {
    let pixels: Int
    /// Of red, green and blue.
    private(set) var sums = [Int](repeating: 0, count: 3)
    /// Of their products with each other, `[3, 3]`; those below the diagonal and on it.
    private(set) var products = [Int](repeating: 0, count: 9)

    init(of image: PixelImage) {
        pixels = image.height * image.width
        for start in stride(from: 0, to: image.samples.count, by: 3) {
            for first in 0..<3 {
                let value = Int(image.samples[start + first])
                sums[first] += value
                for second in 0...first {
                    products[3 * first + second] += value * Int(image.samples[start + second])
                }
            }
        }
    }
}

extension Lighting: CustomStringConvertible {
    public var description: String { "lighting=\(deviation.text)" }
}
