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

    public func check() throws { try TransformError.check(deviation, "lighting", in: 0...10) }

    public func prepared(for data: any Dataset) throws -> any Transform {
        guard data.channels == 3 else {
            throw TransformError.channels(transform: "lighting", found: data.channels, expected: 3)
        }
        guard components == nil else { return self }
        return Lighting(
            deviation: deviation,
            components: try PrincipalComponents(covariance: Self.colorCovariance(of: data)))
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
    /// spread ones of many.
    static func colorCovariance(of data: any Dataset) throws -> [[Double]] {
        let count = min(data.count, greatestSample)
        // Whole numbers: sums that no order changes.
        var sums = [Int](repeating: 0, count: 3)
        var products = [Int](repeating: 0, count: 9)
        var pixels = 0
        for sample in 0..<count {
            let samples = try data.image(sample * data.count / count, atLeast: nil).samples
            pixels += samples.count / 3
            for start in stride(from: 0, to: samples.count - 2, by: 3) {
                for first in 0..<3 {
                    let value = Int(samples[start + first])
                    sums[first] += value
                    for second in 0...first {
                        products[3 * first + second] += value * Int(samples[start + second])
                    }
                }
            }
        }
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

extension Lighting: CustomStringConvertible {
    public var description: String { "lighting=\(deviation.text)" }
}
