import Foundation

/// Where the pixels of an image come from when it is turned, moved, scaled and sheared: pixel (`x`, `y`) of the
/// result, counted from the middle of the first, is what lies at `(xx x + xy y + x0, yx x + yy y + y0)`.
public struct AffineMap: Sendable, Hashable {
    public var xx, xy, x0: Double
    public var yx, yy, y0: Double

    public init(xx: Double, xy: Double, x0: Double, yx: Double, yy: Double, y0: Double) {
        (self.xx, self.xy, self.x0) = (xx, xy, x0)
        (self.yx, self.yy, self.y0) = (yx, yy, y0)
    }

    /// Where the pixels come from of an image that is sheared along its rows, scaled and turned clockwise about its
    /// middle, and then moved.
    ///
    /// - Parameters:
    ///   - rotation, shear: in degrees.
    ///   - shift: in pixels, to the right and down.
    public init(
        height: Int, width: Int, rotation: Double, shift: (x: Double, y: Double), scale: Double, shear: Double
    ) {
        let turn = rotation * .pi / 180
        let slant = tan(shear * .pi / 180)
        let (cosine, sine) = (cos(turn), sin(turn))
        // The inverse of rotation * [[1, -slant], [0, 1]] * scale.
        (xx, xy) = ((cosine - slant * sine) / scale, (sine + slant * cosine) / scale)
        (yx, yy) = (-sine / scale, cosine / scale)
        let (centerX, centerY) = (Double(width - 1) / 2, Double(height - 1) / 2)
        x0 = centerX - xx * (centerX + shift.x) - xy * (centerY + shift.y)
        y0 = centerY - yx * (centerX + shift.x) - yy * (centerY + shift.y)
    }
}

/// Images whose pixels come from other places than their own, between pixels by bilinear interpolation.
///
/// An image goes on outside as the colour `fill`. It is copied into a frame of that colour first: places far outside
/// are taken for places on the frame, and no pixel has to ask where it comes from.
public enum ImageWarp {
    /// The frame's thickness before the image, and behind it: a pixel on the frame has neighbours that are.
    private static let (before, behind) = (1, 2)
    private static let fractionBits: Int64 = 32

    /// Floats of scratch that warping an image takes.
    public static func scratchCount(height: Int, width: Int, channels: Int) -> Int {
        (height + before + behind) * (width + before + behind) * channels
    }

    /// Writes `input` with its pixels where `map` takes them.
    public static func apply(
        _ map: AffineMap, _ input: ImageView, into output: ImageView, fill: Float, scratch: FloatView
    ) {
        let framed = framed(input, fill, scratch)
        precondition(input.channels == output.channels)
        // Images of a known number of channels have their innermost loop unrolled.
        switch input.channels {
        case 1: apply(map, framed, into: output, channels: 1)
        case 3: apply(map, framed, into: output, channels: 3)
        default: apply(map, framed, into: output, channels: input.channels)
        }
    }

    /// Writes `input` with each pixel taken from so much further right and down as `displacements` say: those to the
    /// right of all pixels first.
    public static func displace(
        _ input: ImageView, by displacements: FloatView, into output: ImageView, fill: Float,
        scratch: FloatView
    ) {
        input.checkMatches(output)
        precondition(displacements.count == 2 * input.pixels)
        let framed = framed(input, fill, scratch)
        let (right, bottom) = (Float(input.width + before), Float(input.height + before))
        let down = unsafe displacements.base + input.pixels
        for y in 0..<output.height {
            for x in 0..<output.width {
                let index = y * output.width + x
                let column = min(max(Float(x + before) + (unsafe displacements.base[index]), 0), right)
                let row = min(max(Float(y + before) + (unsafe down[index]), 0), bottom)
                unsafe interpolate(
                    framed, row: Int(row), column: Int(column), row - Float(Int(row)),
                    column - Float(Int(column)), channels: input.channels,
                    into: output.base + y * output.rowStride + x * input.channels)
            }
        }
    }

    private static func framed(_ input: ImageView, _ fill: Float, _ scratch: FloatView) -> ImageView {
        let framed = ImageView(
            scratch, height: input.height + before + behind, width: input.width + before + behind,
            channels: input.channels)
        framed.copy(from: input, top: -before, left: -before, fill: fill)
        return framed
    }

    @inline(__always)
    private static func apply(_ map: AffineMap, _ framed: ImageView, into output: ImageView, channels: Int) {
        // Places are whole numbers of 2^-32 pixels, that add up without rounding.
        let unit = Double(1 << fractionBits)
        let right = Int64(framed.width - behind) << fractionBits
        let bottom = Int64(framed.height - behind) << fractionBits
        let (stepX, stepY) = (Int64(map.xx * unit), Int64(map.yx * unit))
        for y in 0..<output.height {
            var x = Int64((map.xy * Double(y) + map.x0 + Double(before)) * unit)
            var row = Int64((map.yy * Double(y) + map.y0 + Double(before)) * unit)
            var place = unsafe output.base + y * output.rowStride
            for _ in 0..<output.width {
                let (column, line) = (min(max(x, 0), right), min(max(row, 0), bottom))
                unsafe interpolate(
                    framed, row: Int(line >> fractionBits), column: Int(column >> fractionBits),
                    fraction(line), fraction(column), channels: channels, into: place)
                x &+= stepX
                row &+= stepY
                unsafe place += channels
            }
        }
    }

    /// What is behind the point, to the 24 bits a float holds.
    @inline(__always)
    private static func fraction(_ place: Int64) -> Float {
        Float(Int32(truncatingIfNeeded: (place >> 8) & 0xFF_FFFF)) * 0x1p-24
    }

    /// The mean of four pixels; of equal ones exactly their value.
    @inline(__always) @unsafe
    private static func interpolate(
        _ image: ImageView, row: Int, column: Int, _ down: Float, _ right: Float, channels: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        let upper = unsafe image.base + row * image.rowStride + column * channels
        let lower = unsafe upper + image.rowStride
        for channel in 0..<channels {
            let top = unsafe upper[channel] + right * (upper[channels + channel] - upper[channel])
            let bottom = unsafe lower[channel] + right * (lower[channels + channel] - lower[channel])
            unsafe output[channel] = top + down * (bottom - top)
        }
    }
}
