import ApusFormats
import ApusKernels

/// Mirrors an image, with some probability.
public struct RandomFlip: Transform, Hashable {
    public enum Direction: String, Sendable, Hashable, CaseIterable {
        /// Left becomes right.
        case horizontal
        /// Top becomes bottom.
        case vertical
    }

    public let direction: Direction
    public let probability: Double

    public init(_ direction: Direction = .horizontal, probability: Double = 0.5) {
        self.direction = direction
        self.probability = probability
    }

    public func check() throws { try TransformError.check(probability, name, in: 0...1) }

    public func leastInput(of size: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        least
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        switch context.happens(probability, at: 0) ? direction : nil {
        case .horizontal: output.copyMirrored(from: input)
        case .vertical: output.copyUpsideDown(from: input)
        case nil: output.copy(from: input)
        }
    }
}

extension RandomFlip: CustomStringConvertible {
    private var name: String { direction == .horizontal ? "flip" : "flip-vertical" }
    public var description: String { probability == 0.5 ? name : "\(name)=\(probability.text)" }
}
