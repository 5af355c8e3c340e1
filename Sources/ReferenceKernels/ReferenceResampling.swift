/// Bilinear interpolation, antialiased where the image shrinks, straight from its definition.
public enum ReferenceResampling {
    /// The mean of one plane's pixels, `[height, width]`, around each pixel of another size: weighted by
    /// `max(0, 1 - distance / reach)` in rows and columns, pixels' centres lying at halves and the reach being
    /// 1, or what the image shrinks by.
    public static func bilinear<T: BinaryFloatingPoint>(
        _ values: [T], height: Int, width: Int, toHeight: Int, toWidth: Int
    ) -> [T] {
        var result: [T] = []
        for y in 0..<toHeight {
            for x in 0..<toWidth {
                var (sum, total): (T, T) = (0, 0)
                for row in 0..<height {
                    for column in 0..<width {
                        let weight =
                            weight(row, y, scale: T(height) / T(toHeight))
                            * weight(column, x, scale: T(width) / T(toWidth))
                        sum += weight * values[row * width + column]
                        total += weight
                    }
                }
                result.append(sum / total)
            }
        }
        return result
    }

    private static func weight<T: BinaryFloatingPoint>(_ source: Int, _ target: Int, scale: T) -> T {
        let distance = abs(T(source) + 0.5 - (T(target) + 0.5) * scale)
        return max(0, 1 - distance / max(1, scale))
    }
}
