import ApusFormats
import ApusKernels

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
        try TransformError.checkWindow(area: area, ratio: ratio)
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws {
        let window = window(of: input.size, context.random)
        try context.resample(
            input.part(rows: window.rows, columns: window.columns), into: output, filter)
    }

    /// The window's share of what is left of the image is that which it has of the whole.
    public func leastInput(of whole: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        guard let whole else { return nil }
        let window = window(of: whole, random)
        func scaled(_ extent: Int, _ target: Int, _ part: Int) -> Int { (extent * target + part - 1) / part }
        return ImageSize(
            height: scaled(whole.height, size.height, window.rows.count),
            width: scaled(whole.width, size.width, window.columns.count))
    }

    private func window(of size: ImageSize, _ random: CounterRandom) -> RandomWindow {
        let drawn = (0..<10).lazy.compactMap { attempt in
            RandomWindow(of: size, area: area, ratio: ratio, greatest: size, attempt: attempt, random)
        }
        if let window = drawn.first { return window }
        let (height, width) = (Double(size.height), Double(size.width))
        let shape = width / height
        let rows = shape < ratio.lowerBound ? max(1, (width / ratio.lowerBound).rounded()) : height
        let columns = shape > ratio.upperBound ? max(1, (height * ratio.upperBound).rounded()) : width
        return RandomWindow(
            top: (size.height - Int(rows)) / 2, left: (size.width - Int(columns)) / 2, height: Int(rows),
            width: Int(columns))
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
