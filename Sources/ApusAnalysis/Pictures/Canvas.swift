import ApusFormats

/// A picture to draw on: pixels of red, green and blue, rows from the top. What lies outside is not drawn.
public struct Canvas: Sendable {
    public let width: Int
    public let height: Int
    private var samples: [UInt8]

    public init(width: Int, height: Int, background: Color = .white) {
        precondition(width > 0 && height > 0, "a canvas of \(width)x\(height)")
        (self.width, self.height) = (width, height)
        samples = []
        samples.reserveCapacity(3 * width * height)
        for _ in 0..<width * height { samples += [background.red, background.green, background.blue] }
    }

    /// What has been drawn.
    public var image: PixelImage { PixelImage(height: height, width: width, channels: 3, samples: samples) }

    /// Where on a line a text is: its beginning, its middle or its end.
    public enum Anchor: Sendable, Hashable { case left, center, right }

    /// Fills a rectangle.
    ///
    /// - Parameter opacity: from 0, nothing, to 1.
    public mutating func fill(x: Int, y: Int, width: Int, height: Int, _ color: Color, opacity: Double = 1) {
        for row in clipped(y, height, self.height) {
            for column in clipped(x, width, self.width) { blend(column, row, color, opacity) }
        }
    }

    /// Draws an image with its upper left corner at a place.
    ///
    /// - Parameter zoom: how many pixels each of the image's becomes, each way; at least 1.
    public mutating func draw(_ image: PixelImage, x: Int, y: Int, zoom: Int = 1) {
        let (last, zoom) = (image.channels - 1, max(1, zoom))
        for row in clipped(y, image.height * zoom, height) {
            for column in clipped(x, image.width * zoom, width) {
                let pixel = ((row - y) / zoom * image.width + (column - x) / zoom) * image.channels
                let place = 3 * (row * width + column)
                for channel in 0..<3 { samples[place + channel] = image.samples[pixel + min(channel, last)] }
            }
        }
    }

    /// Draws a straight line with round ends, smoothly; none with an end that is not finite.
    public mutating func line(
        from start: (x: Double, y: Double), to end: (x: Double, y: Double), _ color: Color, width: Double = 1,
        opacity: Double = 1
    ) {
        // Farther away nothing of it is seen, and coordinates must stay whole numbers.
        guard [start.x, start.y, end.x, end.y, width].allSatisfy({ abs($0) < 1e9 }) else { return }
        let (dx, dy) = (end.x - start.x, end.y - start.y)
        let square = dx * dx + dy * dy
        let reach = width / 2 + 1
        let left = Int((min(start.x, end.x) - reach).rounded(.down))
        let top = Int((min(start.y, end.y) - reach).rounded(.down))
        let right = Int((max(start.x, end.x) + reach).rounded(.up))
        let bottom = Int((max(start.y, end.y) + reach).rounded(.up))
        for row in clipped(top, bottom - top, height) {
            for column in clipped(left, right - left, self.width) {
                // Of the pixel's middle from the nearest point of the line.
                let (x, y) = (Double(column) + 0.5 - start.x, Double(row) + 0.5 - start.y)
                let along = square > 0 ? max(0, min(1, (x * dx + y * dy) / square)) : 0
                let (away, down) = (x - along * dx, y - along * dy)
                let distance = (away * away + down * down).squareRoot()
                let cover = max(0, min(1, width / 2 + 0.5 - distance))
                if cover > 0 { blend(column, row, color, cover * opacity) }
            }
        }
    }

    /// Draws a filled circle, smoothly.
    public mutating func disc(x: Double, y: Double, radius: Double, _ color: Color, opacity: Double = 1) {
        line(from: (x, y), to: (x, y), color, width: 2 * radius, opacity: opacity)
    }

    /// Writes a line of text.
    ///
    /// - Parameters:
    ///   - x: where its anchor is.
    ///   - y: the top of the line; the next one begins at `y + font.lineHeight(size: size)`.
    ///   - size: of the letters; pixels.
    public mutating func write(
        _ text: String, x: Int, y: Int, size: Int, color: Color = .black, anchor: Anchor = .left, font: Font
    ) {
        let glyphs = font.glyphs(text, size: size)
        let length = glyphs.reduce(0) { $0 + $1.advance }
        var pen = Double(x)
        switch anchor {
        case .left: break
        case .center: pen -= length / 2
        case .right: pen -= length
        }
        for glyph in glyphs {
            let (left, top) = (Int(pen.rounded()) + glyph.left, y + glyph.top)
            for row in clipped(top, glyph.height, height) {
                for column in clipped(left, glyph.width, width) {
                    let cover = glyph.coverage[(row - top) * glyph.width + column - left]
                    if cover > 0 { blend(column, row, color, Double(cover) / 255) }
                }
            }
            pen += glyph.advance
        }
    }

    /// What of `length` pixels from `start` on lies within `extent`.
    private func clipped(_ start: Int, _ length: Int, _ extent: Int) -> Range<Int> {
        let first = max(0, min(start, extent))
        return first..<max(first, min(start + length, extent))
    }

    private mutating func blend(_ x: Int, _ y: Int, _ color: Color, _ opacity: Double) {
        let place = 3 * (y * width + x)
        let old = Color(red: samples[place], green: samples[place + 1], blue: samples[place + 2])
        let new = old.mixed(with: color, share: opacity)
        (samples[place], samples[place + 1], samples[place + 2]) = (new.red, new.green, new.blue)
    }
}
