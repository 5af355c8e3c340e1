import ApusFormats
import ApusKernels

/// How much each place of an image counts for a class, `[height, width]`.
public struct AttributionMap: Sendable, Hashable {
    public let height: Int
    public let width: Int
    /// Row by row.
    public let values: [Float]

    public init(height: Int, width: Int, values: [Float]) {
        precondition(
            height >= 1 && width >= 1 && values.count == height * width,
            "\(values.count) values of a map of \(height)x\(width)")
        self.height = height
        self.width = width
        self.values = values
    }

    public var size: ImageSize { ImageSize(height: height, width: width) }

    /// The value at a place, which must lie inside.
    public subscript(y: Int, x: Int) -> Float {
        precondition(0..<height ~= y && 0..<width ~= x, "[\(y), \(x)] outside a map of \(height)x\(width)")
        return values[y * width + x]
    }

    /// The map in another size, bilinear: where it grows, as PyTorch's `interpolate` of `align_corners=False`.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func resized(to size: ImageSize) throws -> AttributionMap {
        guard size != self.size else { return self }
        let resampling = Resampling(
            from: Shape(height: height, width: width, channels: 1),
            to: Shape(height: size.height, width: size.width, channels: 1))
        let source = try FloatBuffer(count: values.count)
        source.view.copy(from: values)
        let target = try FloatBuffer(count: size.height * size.width)
        let scratch = try FloatBuffer(count: resampling.scratchCount(channels: 1))
        return withExtendedLifetime((source, target, scratch)) {
            resampling.apply(
                ImageView(source.view, height: height, width: width, channels: 1),
                into: ImageView(target.view, height: size.height, width: size.width, channels: 1),
                scratch: scratch.view)
            return AttributionMap(height: size.height, width: size.width, values: target.view.array)
        }
    }
}
