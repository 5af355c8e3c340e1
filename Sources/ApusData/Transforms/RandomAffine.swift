import ApusFormats
import ApusKernels

/// Turns, moves, scales and shears an image about its middle, by random amounts, in one resampling pass.
///
/// The image is sheared along its rows, scaled, turned, and then moved, as torchvision's `RandomAffine` does, and
/// interpolated bilinearly. What comes from outside is `fill`. Movements are of whole pixels and parts of them.
public struct RandomAffine: Transform, Hashable {
    /// The greatest turn, in degrees either way.
    public var rotation: Double
    /// The greatest movement, as a part of the width to left and right, and of the height up and down.
    public var shift: Double
    /// What the image grows by.
    public var scale: ClosedRange<Double>
    /// The greatest angle by which columns lean, in degrees either way.
    public var shear: Double
    public var fill: Float

    public init(
        rotation: Double = 0, shift: Double = 0, scale: ClosedRange<Double> = 1...1, shear: Double = 0,
        fill: Float = 0
    ) {
        self.rotation = rotation
        self.shift = shift
        self.scale = scale
        self.shear = shear
        self.fill = fill
    }

    public func check() throws {
        try TransformError.check(rotation, "rotate", in: 0...180)
        try TransformError.check(shift, "shift", in: 0...1)
        for bound in [scale.lowerBound, scale.upperBound] {
            try TransformError.check(bound, "scale", in: 0.0625...16)
        }
        try TransformError.check(shear, "shear", in: 0...60)
        try TransformError.check(Double(fill), "fill", in: 0...1)
    }

    /// Where the image grows, there is less of it that has to be as large.
    public func leastInput(of size: ImageSize?, for least: ImageSize?, _ random: CounterRandom) -> ImageSize?
    {
        func grown(_ extent: Int) -> Int { Int((Double(extent) * max(1, scale.upperBound)).rounded(.up)) }
        return least.map { ImageSize(height: grown($0.height), width: grown($0.width)) }
    }

    public func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) throws {
        let (height, width) = (input.height, input.width)
        func either(_ bound: Double, _ index: Int) -> Double {
            context.uniform(in: -bound...bound, at: index)
        }
        let map = AffineMap(
            height: height, width: width, rotation: either(rotation, 0),
            shift: (either(shift, 1) * Double(width), either(shift, 2) * Double(height)),
            scale: context.uniform(in: scale, at: 3), shear: either(shear, 4))
        let scratch = try context.scratch(
            ImageWarp.scratchCount(height: height, width: width, channels: input.channels))
        ImageWarp.apply(map, input, into: output, fill: fill, scratch: scratch)
    }
}

extension RandomAffine: CustomStringConvertible {
    /// A term for each change, of which together one pass is made.
    public var description: String {
        var terms: [String] = []
        if rotation != 0 { terms.append("rotate=\(rotation.text)") }
        if shift != 0 { terms.append("shift=\(shift.text)") }
        if scale != 1...1 { terms.append("scale=\(scale.text)") }
        if shear != 0 { terms.append("shear=\(shear.text)") }
        if terms.isEmpty { terms.append("rotate=0") }
        return terms.map { $0 + fill.fillText }.joined(separator: ",")
    }
}
