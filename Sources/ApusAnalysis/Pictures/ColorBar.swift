import ApusFormats
import ApusTraining

/// What the colours of a map mean: the numbers at the ends of a bar.
public struct ColorBar: Sendable {
    public var map: ColorMap
    /// What the first colour stands for, and the last.
    public var lowest: Double
    public var highest: Double

    private static let (width, gap) = (14, 6)

    public init(_ map: ColorMap, from lowest: Double, to highest: Double) {
        (self.map, self.lowest, self.highest) = (map, lowest, highest)
    }

    private var texts: [String] { [lowest, highest].map { $0.digits(3) } }

    /// Pixels that it takes from left to right.
    func width(textSize: Int, font: Font) -> Int {
        Self.width + Self.gap + (texts.map { font.width(of: $0, size: textSize) }.max() ?? 0)
    }

    /// Draws it upright, its highest value at the top.
    func draw(on canvas: inout Canvas, x: Int, y: Int, height: Int, textSize: Int, font: Font) {
        for row in 0..<height {
            let share = 1 - (Double(row) + 0.5) / Double(height)
            canvas.fill(x: x, y: y + row, width: Self.width, height: 1, map.color(share))
        }
        let left = x + Self.width + Self.gap
        canvas.write(texts[1], x: left, y: y, size: textSize, font: font)
        let bottom = y + height - font.lineHeight(size: textSize)
        canvas.write(texts[0], x: left, y: bottom, size: textSize, font: font)
    }
}
