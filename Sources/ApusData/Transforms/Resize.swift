import ApusFormats
import ApusKernels

/// Brings images to another size.
public struct Resize: Transform, Hashable {
    /// What images are brought to.
    public enum Target: Sendable, Hashable {
        case size(ImageSize)
        /// So many pixels in the shorter direction, the ratio of height and width being kept.
        case shorterSide(Int)
    }

    public let target: Target
    public let filter: Resampling.Filter

    public init(_ size: ImageSize, filter: Resampling.Filter = .bilinear) {
        target = .size(size)
        self.filter = filter
    }

    public init(shorterSide: Int, filter: Resampling.Filter = .bilinear) {
        target = .shorterSide(shorterSide)
        self.filter = filter
    }

    public var outputSize: ImageSize? {
        guard case .size(let size) = target else { return nil }
        return size
    }

    public func outputSize(of size: ImageSize) throws -> ImageSize {
        switch target {
        case .size(let size): return size
        case .shorterSide(let side):
            let (height, width) = (size.height, size.width)
            func longer(_ extent: Int, _ other: Int) -> Int {
                Int(Double(side) * Double(extent) / Double(other))
            }
            let result =
                height <= width
                ? ImageSize(height: side, width: longer(width, height))
                : ImageSize(height: longer(height, width), width: side)
            guard max(result.height, result.width) <= TransformError.greatestExtent else {
                throw TransformError.size(
                    transform: description, found: size,
                    expected: "at most \(TransformError.greatestExtent) pixels when they are resized")
            }
            return result
        }
    }

    public func leastInput(of whole: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        outputSize ?? whole.flatMap { try? outputSize(of: $0) }
    }

    public func check() throws {
        switch target {
        case .size(let size): try TransformError.check(size, "resize")
        case .shorterSide(let side): try TransformError.check(ImageSize(side), "resize-shorter")
        }
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws {
        try context.resample(input, into: output, filter)
    }
}

extension Resize: CustomStringConvertible {
    public var description: String {
        let filter = filter == .bilinear ? "" : ":filter=\(filter.rawValue)"
        return switch target {
        case .size(let size): "resize=\(size.text)\(filter)"
        case .shorterSide(let side): "resize-shorter=\(side)\(filter)"
        }
    }
}
