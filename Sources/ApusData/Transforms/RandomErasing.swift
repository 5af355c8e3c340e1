import ApusFormats
import ApusKernels

/// Hides a window of random area, shape and place, with some probability (Zhong, Zheng, Kang, Li and Yang, 2020,
/// "Random Erasing Data Augmentation").
///
/// **Deviations**: shapes are uniform in their logarithm, as torchvision's, so that wide ones are as likely as high
/// ones; and where no window fits in ten attempts, the image stays as it is.
public struct RandomErasing: Transform, Hashable {
    public enum Fill: Sendable, Hashable {
        /// Every sample is a random number from 0 to 1: the paper's best.
        case noise
        case value(Float)
    }

    public let probability: Double
    /// The window's area, as a part of the image's.
    public let area: ClosedRange<Double>
    /// The window's height over its width.
    public let ratio: ClosedRange<Double>
    public let fill: Fill

    public static let defaultArea = 0.02...0.4
    public static let defaultRatio = 0.3...(1 / 0.3)

    public init(
        probability: Double = 0.5, area: ClosedRange<Double> = defaultArea,
        ratio: ClosedRange<Double> = defaultRatio, fill: Fill = .noise
    ) {
        self.probability = probability
        self.area = area
        self.ratio = ratio
        self.fill = fill
    }

    public func check() throws {
        try TransformError.check(probability, "erase", in: 0...1)
        try TransformError.checkWindow(area: area, ratio: ratio)
        if case .value(let value) = fill { try TransformError.check(Double(value), "fill", in: 0...1) }
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        output.copy(from: input)
        guard context.happens(probability, at: 0), let window = window(of: input.size, context.random) else {
            return
        }
        let hidden = output.part(rows: window.rows, columns: window.columns)
        switch fill {
        case .value(let value): hidden.fill(value)
        case .noise: hidden.fill(with: context.random, from: Self.firstOfNoise)
        }
    }

    /// The first random number that no window's place takes.
    private static let firstOfNoise = 128

    /// The first of ten windows that leaves something of the image to see in either direction.
    private func window(of image: ImageSize, _ random: CounterRandom) -> RandomWindow? {
        (1...10).lazy.compactMap { attempt in
            RandomWindow(
                of: image, area: area, ratio: 1 / ratio.upperBound...1 / ratio.lowerBound,
                greatest: ImageSize(height: image.height - 1, width: image.width - 1), attempt: attempt,
                random)
        }.first
    }
}

extension RandomErasing: CustomStringConvertible {
    public var description: String {
        var text = probability == 0.5 ? "erase" : "erase=\(probability.text)"
        if area != Self.defaultArea { text += ":area=\(area.text)" }
        if ratio != Self.defaultRatio { text += ":ratio=\(ratio.text)" }
        if case .value(let value) = fill { text += ":fill=\(Double(value.description)?.text ?? "")" }
        return text
    }
}
