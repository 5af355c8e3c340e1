import ApusKernels
import Foundation

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
        for bound in [area.lowerBound, area.upperBound] {
            try TransformError.check(bound, "area", in: 0.0001...1)
        }
        for bound in [ratio.lowerBound, ratio.upperBound] {
            try TransformError.check(bound, "ratio", in: 0.01...100)
        }
        if case .value(let value) = fill { try TransformError.check(Double(value), "fill", in: 0...1) }
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        output.copy(from: input)
        guard context.happens(probability, at: 0), let window = window(of: input, context) else { return }
        let hidden = output.part(rows: window.rows, columns: window.columns)
        switch fill {
        case .value(let value): hidden.fill(value)
        case .noise: hidden.fill(with: context.random, from: Self.firstOfNoise)
        }
    }

    /// The first random number that no window's place takes.
    private static let firstOfNoise = 128

    private func window(
        of image: ImageView, _ context: TransformContext
    ) -> (rows: Range<Int>, columns: Range<Int>)? {
        let logarithms = log(ratio.lowerBound)...log(ratio.upperBound)
        for attempt in 1...10 {
            let pixels = context.uniform(in: area, at: 8 * attempt) * Double(image.pixels)
            let shape = exp(context.uniform(in: logarithms, at: 8 * attempt + 1))
            let rows = Int((pixels * shape).squareRoot().rounded())
            let columns = Int((pixels / shape).squareRoot().rounded())
            guard 1..<image.height ~= rows, 1..<image.width ~= columns else { continue }
            // Whole numbers take two words each.
            let top = context.random.integer(below: image.height - rows + 1, at: 4 * attempt + 1)
            let left = context.random.integer(below: image.width - columns + 1, at: 4 * attempt + 2)
            return (top..<top + rows, left..<left + columns)
        }
        return nil
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
