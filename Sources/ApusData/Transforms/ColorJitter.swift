import ApusFormats
import ApusKernels

/// Changes brightness, contrast, saturation and hue by random amounts, in a random order, as torchvision's
/// `ColorJitter` does. Of grey images saturation and hue stay as they are.
public struct ColorJitter: Transform, Hashable {
    /// Factors lie between 1 less and 1 more than this, but not below 0.
    public var brightness: Double
    public var contrast: Double
    public var saturation: Double
    /// The greatest turn of the hue either way, as a part of the circle.
    public var hue: Double

    public init(
        brightness: Double = 0, contrast: Double = 0, saturation: Double = 0, hue: Double = 0
    ) {
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
    }

    public func check() throws {
        for (value, name) in [
            (brightness, "brightness"), (contrast, "contrast"), (saturation, "saturation"),
        ] {
            try TransformError.check(value, name, in: 0...10)
        }
        try TransformError.check(hue, "hue", in: 0...0.5)
    }

    public func leastInput(of size: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        least
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        output.copy(from: input)
        // The places of those that are left, four bits each, and which of them is next.
        var left = 0x3210
        var order = context.random.integer(below: 24, at: 0)
        for count in stride(from: 4, through: 1, by: -1) {
            let shift = 4 * (order % count)
            order /= count
            change((left >> shift) & 0xF, output, context)
            let below = left & ((1 << shift) - 1)
            left = ((left >> (shift + 4)) << shift) | below
        }
    }

    private func change(_ which: Int, _ image: ImageView, _ context: TransformContext) {
        func factor(_ strength: Double) -> Float {
            Float(context.uniform(in: max(0, 1 - strength)...1 + strength, at: 4 + which))
        }
        switch which {
        case 0 where brightness > 0:
            ImageColor.scaleBrightness(image, by: factor(brightness), into: image)
        case 1 where contrast > 0:
            ImageColor.scaleContrast(image, by: factor(contrast), into: image)
        case 2 where saturation > 0:
            ImageColor.scaleSaturation(image, by: factor(saturation), into: image)
        case 3 where hue > 0:
            ImageColor.turnHue(image, by: Float(context.uniform(in: -hue...hue, at: 7)), into: image)
        default: break
        }
    }
}

extension ColorJitter: CustomStringConvertible {
    /// A term for each change, which are made together.
    public var description: String {
        let terms = [
            ("brightness", brightness), ("contrast", contrast), ("saturation", saturation), ("hue", hue),
        ].filter { $0.1 != 0 }.map { "\($0)=\($1.text)" }
        return terms.isEmpty ? "brightness=0" : terms.joined(separator: ",")
    }
}
