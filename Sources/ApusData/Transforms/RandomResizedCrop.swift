import ApusFormats
import ApusKernels
import Foundation

/// Keeps a window of random area, shape and place, resized (Szegedy et al., 2015, "Going deeper with convolutions").
///
/// Areas are uniform, shapes uniform in their logarithm. A window that does not fit is drawn again, ten times, and
/// then the middle is kept, as far as its shape is allowed: all as torchvision does.
public struct RandomResizedCrop: Transform, Hashable {
    public let size: ImageSize
    /// The window's area, as a part of the image's.
    public let area: ClosedRange<Double>
    /// The window's width over its height.
    public let ratio: ClosedRange<Double>
    public let filter: Resampling.Filter

    public static let defaultArea = 0.08...1.0
    public static let defaultRatio = 0.75...(4.0 / 3)

    public init(
        _ size: ImageSize, area: ClosedRange<Double> = defaultArea,
        ratio: ClosedRange<Double> = defaultRatio, filter: Resampling.Filter = .bilinear
    ) {
        self.size = size
        self.area = area
        self.ratio = ratio
        self.filter = filter
    }

    public var outputSize: ImageSize? { size }

    public func check() throws {
        try TransformError.check(size, "random-resized-crop")
        for bound in [area.lowerBound, area.upperBound] {
            try TransformError.check(bound, "area", in: 0.0001...1)
        }
        for bound in [ratio.lowerBound, ratio.upperBound] {
            try TransformError.check(bound, "ratio", in: 0.01...100)
        }
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws {
        let window = window(of: input.size, context)
        try context.resample(
            input.part(rows: window.rows, columns: window.columns), into: output, filter)
    }

    private func window(
        of size: ImageSize, _ context: TransformContext
    ) -> (rows: Range<Int>, columns: Range<Int>) {
        let (height, width) = (size.height, size.width)
        let logarithms = log(ratio.lowerBound)...log(ratio.upperBound)
        for attempt in 0..<10 {
            let pixels = context.uniform(in: area, at: 8 * attempt) * Double(height * width)
            let shape = exp(context.uniform(in: logarithms, at: 8 * attempt + 1))
            let columns = Int((pixels * shape).squareRoot().rounded())
            let rows = Int((pixels / shape).squareRoot().rounded())
            guard 1...height ~= rows, 1...width ~= columns else { continue }
            // Whole numbers take two words each.
            let top = context.random.integer(below: height - rows + 1, at: 4 * attempt + 1)
            let left = context.random.integer(below: width - columns + 1, at: 4 * attempt + 2)
            return (top..<top + rows, left..<left + columns)
        }
        let shape = Double(width) / Double(height)
        let rows =
            shape < ratio.lowerBound ? Int((Double(width) / ratio.lowerBound).rounded()) : height
        let columns =
            shape > ratio.upperBound ? Int((Double(height) * ratio.upperBound).rounded()) : width
        let (top, left) = ((height - max(1, rows)) / 2, (width - max(1, columns)) / 2)
        return (top..<top + max(1, rows), left..<left + max(1, columns))
    }
}

extension RandomResizedCrop: CustomStringConvertible {
    public var description: String {
        var text = "random-resized-crop=\(size.text)"
        if area != Self.defaultArea { text += ":area=\(area.text)" }
        if ratio != Self.defaultRatio { text += ":ratio=\(ratio.text)" }
        if filter != .bilinear { text += ":filter=\(filter.rawValue)" }
        return text
    }
}

extension ClosedRange<Double> {
    /// `0.5..1`.
    var text: String { "\(lowerBound.text)..\(upperBound.text)" }
}
