import ApusKernels

/// A layer's output for one image, or the gradient with respect to it, `[channels, height, width]`.
public struct FeatureMaps: Sendable, Hashable {
    public let shape: Shape
    /// Channel by channel, row by row.
    public let values: [Float]

    /// The mean of each channel.
    public var means: [Double] {
        (0..<shape.channels).map { channel in
            plane(channel).reduce(0) { $0 + Double($1) } / Double(shape.pixels)
        }
    }

    /// The sum of the channels, each times its weight, added up in double precision.
    public func sum(weights: [Double]) -> [Double] {
        precondition(
            weights.count == shape.channels, "\(weights.count) weights of \(shape.channels) channels")
        var sums = [Double](repeating: 0, count: shape.pixels)
        for (channel, weight) in weights.enumerated() where weight != 0 {
            for (place, value) in plane(channel).enumerated() { sums[place] += weight * Double(value) }
        }
        return sums
    }

    /// Of each pixel the greatest magnitude in any channel.
    public var greatestMagnitudes: AttributionMap {
        var greatest = [Float](repeating: 0, count: shape.pixels)
        for channel in 0..<shape.channels {
            for (place, value) in plane(channel).enumerated() {
                greatest[place] = max(greatest[place], abs(value))
            }
        }
        return AttributionMap(height: shape.height, width: shape.width, values: greatest)
    }

    private func plane(_ channel: Int) -> ArraySlice<Float> {
        values[channel * shape.pixels..<(channel + 1) * shape.pixels]
    }
}
