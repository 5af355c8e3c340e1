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
    ///
    /// With v the greatest sample of a pixel, r what lies between it and the least, and h the hue in sixths of the
    /// circle, a sample is `v - r max(0, min(k, 4 - k, 1))` where `k = (h + n) mod 6` and n is 5 for red, 3 for green and
    /// 1 for blue.
    public static func turnHue(_ input: ImageView, by part: Float, into output: ImageView) {
        guard input.channels == 3 else { return output.copy(from: input) }
        let turn = 6 * (part - part.rounded(.down))
        unsafe forEachRow(input, output) { row, count, result in
            for index in stride(from: 0, to: count, by: 3) {
                let (red, green, blue) = unsafe (row[index], row[index + 1], row[index + 2])
                let value = max(red, max(green, blue))
                let range = value - min(red, min(green, blue))
                let (start, rest): (Float, Float) =
                    value == red
                    ? (green < blue ? 6 : 0, green - blue)
                    : value == green ? (2, blue - red) : (4, red - green)
                let hue = wrapped(start + rest / (range == 0 ? 1 : range) + turn)
                unsafe result[index] = value - range * distance(hue + 5)
                unsafe result[index + 1] = value - range * distance(hue + 3)
                unsafe result[index + 2] = value - range * distance(hue + 1)
            }
        }
    }

    /// How far below the greatest sample one is, as a part of the range, that is so many sixths of the circle away.
    @inline(__always)
    private static func distance(_ sixths: Float) -> Float {
        let sixths = wrapped(sixths)
        return max(0, min(min(sixths, 4 - sixths), 1))
    }

    /// A number from 0 to 12 without a whole circle.
    @inline(__always)
    private static func wrapped(_ sixths: Float) -> Float { sixths >= 6 ? sixths - 6 : sixths }

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
