import ApusKernels

/// Moves every pixel a little, near ones alike, as a hand does that writes (Simard, Steinkraus and Platt, 2003; see
/// `DisplacementField`). Meant for digits: the paper's are 29x29, with a strength of 34 and a deviation of 4.
public struct ElasticDistortion: Transform, Hashable {
    /// What the smooth displacements are multiplied with, in pixels.
    public let strength: Double
    /// Of the Gaussian that smooths, in pixels.
    public let deviation: Double
    public let fill: Float
    private let field: DisplacementField

    public static let defaultDeviation = 4.0

    public init(strength: Double = 34, deviation: Double = defaultDeviation, fill: Float = 0) {
        self.strength = strength
        self.deviation = deviation
        self.fill = fill
        // What no Gaussian can be made of is told by `check`.
        field = DisplacementField(strength: strength, deviation: min(max(deviation, 0.1), 100))
    }

    public func check() throws {
        try TransformError.check(strength, "elastic", in: 0...10_000)
        try TransformError.check(deviation, "deviation", in: 0.1...100)
        try TransformError.check(Double(fill), "fill", in: 0...1)
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws {
        let (height, width) = (input.height, input.width)
        let (fieldCount, warpCount) = (
            DisplacementField.count(height: height, width: width),
            ImageWarp.scratchCount(height: height, width: width, channels: input.channels)
        )
        let memory = try context.scratch(fieldCount + warpCount)
        let displacements = field.make(
            height: height, width: width, context.random, in: memory.slice(0..<fieldCount))
        ImageWarp.displace(
            input, by: displacements, into: output, fill: fill,
            scratch: memory.slice(fieldCount..<fieldCount + warpCount))
    }

    public static func == (one: Self, other: Self) -> Bool {
        one.strength == other.strength && one.deviation == other.deviation && one.fill == other.fill
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(strength)
        hasher.combine(deviation)
        hasher.combine(fill)
    }
}

extension ElasticDistortion: CustomStringConvertible {
    public var description: String {
        let deviation = deviation == Self.defaultDeviation ? "" : ":deviation=\(deviation.text)"
        return "elastic=\(strength.text)\(deviation)\(fill.fillText)"
    }
}
