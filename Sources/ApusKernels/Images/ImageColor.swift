import Foundation

/// Changes of an image's colours, as torchvision defines them: samples are of 0 to 1, and kept there.
///
/// `output` may be the input. A grey image has no saturation and no hue, and stays as it is there.
public enum ImageColor {
    /// `factor` times each sample.
    public static func scaleBrightness(_ input: ImageView, by factor: Float, into output: ImageView) {
        unsafe forEachRow(input, output) { row, count, result in
            for index in 0..<count { unsafe result[index] = clamped(factor * row[index]) }
        }
    }

    /// Takes each sample `factor` times as far from the image's mean luminance.
    public static func scaleContrast(_ input: ImageView, by factor: Float, into output: ImageView) {
        let rest = (1 - factor) * meanLuminance(input)
        unsafe forEachRow(input, output) { row, count, result in
            for index in 0..<count { unsafe result[index] = clamped(factor * row[index] + rest) }
        }
    }

    /// Takes each sample `factor` times as far from its pixel's luminance.
    public static func scaleSaturation(_ input: ImageView, by factor: Float, into output: ImageView) {
        guard input.channels == 3 else { return output.copy(from: input) }
        unsafe forEachRow(input, output) { row, count, result in
            for index in stride(from: 0, to: count, by: 3) {
                let rest = unsafe (1 - factor) * luminance(row + index)
                for channel in index..<index + 3 {
                    unsafe result[channel] = clamped(factor * row[channel] + rest)
                }
            }
        }
    }

    /// Turns the hue by a part of the circle.
    public static func turnHue(_ input: ImageView, by part: Float, into output: ImageView) {
        guard input.channels == 3 else { return output.copy(from: input) }
        unsafe forEachRow(input, output) { row, count, result in
            for index in stride(from: 0, to: count, by: 3) {
                let (red, green, blue) = unsafe (row[index], row[index + 1], row[index + 2])
                let turned = Hue(red, green, blue).turned(by: part)
                unsafe (result[index], result[index + 1], result[index + 2]) = turned
            }
        }
    }

    /// Adds a number to all red samples, all green and all blue ones, which may leave 0 to 1.
    public static func shift(_ input: ImageView, by shifts: SIMD3<Float>, into output: ImageView) {
        precondition(input.channels == 3)
        unsafe forEachRow(input, output) { row, count, result in
            for index in stride(from: 0, to: count, by: 3) {
                for channel in 0..<3 {
                    unsafe result[index + channel] = row[index + channel] + shifts[channel]
                }
            }
        }
    }

    /// The mean of the pixels' luminances: of what they are, where the image is grey.
    static func meanLuminance(_ image: ImageView) -> Float {
        var sum = 0.0
        for y in 0..<image.height {
            let row = unsafe image.base + y * image.rowStride
            var rowSum: Float = 0
            for x in 0..<image.width {
                rowSum += unsafe image.channels == 3 ? luminance(row + 3 * x) : row[x * image.channels]
            }
            sum += Double(rowSum)
        }
        return Float(sum / Double(image.pixels))
    }

    @inline(__always) @unsafe
    private static func luminance(_ pixel: UnsafePointer<Float>) -> Float {
        unsafe 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]
    }

    @inline(__always)
    private static func clamped(_ value: Float) -> Float { min(max(value, 0), 1) }

    @inline(__always)
    private static func forEachRow(
        _ input: ImageView, _ output: ImageView,
        _ body: (UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void
    ) {
        input.checkMatches(output)
        for y in 0..<input.height {
            unsafe body(
                input.base + y * input.rowStride, input.rowLength, output.base + y * output.rowStride)
        }
    }
}

/// A colour by its hue (0 to 1, from red by green and blue to red), saturation and value.
private struct Hue {
    var hue: Float
    let saturation: Float
    let value: Float

    @inline(__always)
    init(_ red: Float, _ green: Float, _ blue: Float) {
        value = max(red, max(green, blue))
        let range = value - min(red, min(green, blue))
        saturation = range == 0 ? 0 : range / value
        let divisor = range == 0 ? 1 : range
        let sixths: Float =
            if value == red {
                (green - blue) / divisor
            } else if value == green {
                2 + (blue - red) / divisor
            } else {
                4 + (red - green) / divisor
            }
        hue = sixths < 0 ? sixths / 6 + 1 : sixths / 6
    }

    /// The red, green and blue of this colour with its hue turned.
    @inline(__always)
    func turned(by part: Float) -> (Float, Float, Float) {
        let turned = hue + part
        let sixths = (turned - turned.rounded(.down)) * 6
        let sector = sixths.rounded(.down)
        let fraction = sixths - sector
        let low = value * (1 - saturation)
        let falling = value * (1 - saturation * fraction)
        let rising = value * (1 - saturation * (1 - fraction))
        return switch sector {
        case 1: (falling, value, low)
        case 2: (low, value, rising)
        case 3: (low, falling, value)
        case 4: (rising, low, value)
        case 5: (value, low, falling)
        default: (value, rising, low)
        }
    }
}
