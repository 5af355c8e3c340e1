import ApusAnalysis
import ApusFormats
import Foundation
import Testing

@Suite struct CanvasTests {
    private func pixel(_ canvas: Canvas, _ x: Int, _ y: Int) -> Color {
        let image = canvas.image
        let place = 3 * (y * image.width + x)
        return Color(
            red: image.samples[place], green: image.samples[place + 1], blue: image.samples[place + 2])
    }

    @Test func aRectangleIsFilledAndMixedWithWhatLiesUnderIt() {
        var canvas = Canvas(width: 4, height: 3, background: .black)
        canvas.fill(x: 1, y: 1, width: 2, height: 1, .white)
        canvas.fill(x: 2, y: 1, width: 1, height: 1, .black, opacity: 0.25)
        #expect(pixel(canvas, 1, 1) == .white)
        #expect(pixel(canvas, 2, 1) == .grey(191))
        #expect(
            pixel(canvas, 0, 1) == .black && pixel(canvas, 3, 1) == .black && pixel(canvas, 1, 0) == .black)
    }

    @Test func whatLiesOutsideIsNotDrawn() throws {
        var canvas = Canvas(width: 5, height: 4)
        let font = try Font.standard()
        canvas.fill(x: -9, y: 2, width: 4, height: 9, .black)
        canvas.draw(
            PixelImage(height: 2, width: 2, channels: 1, samples: [0, 0, 0, 0]), x: 7, y: -9, zoom: 3)
        canvas.line(from: (-5, -5), to: (-1, -9), .black)
        canvas.write("outside", x: 90, y: -60, size: 12, font: font)
        #expect(canvas.image == Canvas(width: 5, height: 4).image)
    }

    @Test(arguments: [1, 3]) func anImageIsDrawnEnlarged(channels: Int) {
        let samples = (0..<4 * channels).map { UInt8(10 + $0) }
        let image = PixelImage(height: 2, width: 2, channels: channels, samples: samples)
        var canvas = Canvas(width: 5, height: 5, background: .black)
        canvas.draw(image, x: 1, y: 1, zoom: 2)
        for (x, y) in [(1, 1), (2, 2), (3, 1), (4, 4), (1, 3)] {
            let first = ((y - 1) / 2 * 2 + (x - 1) / 2) * channels
            let expected = (0..<3).map { samples[first + min($0, channels - 1)] }
            #expect(
                pixel(canvas, x, y) == Color(red: expected[0], green: expected[1], blue: expected[2]))
        }
        #expect(pixel(canvas, 0, 0) == .black)
    }

    /// The ink of a smooth line is its area: length times width, and the two round ends.
    @Test(arguments: [0.0, 0.3, 0.7854, 1.2]) func aLineHasTheAreaOfItsShape(angle: Double) {
        var canvas = Canvas(width: 100, height: 100)
        let (length, width) = (50.0, 4.0)
        let end = (x: 20 + length * cos(angle), y: 20 + length * sin(angle))
        canvas.line(from: (20, 20), to: end, .black, width: width)
        let ink = canvas.image.samples.reduce(0.0) { $0 + (255 - Double($1)) / 255 } / 3
        let area = length * width + .pi * width * width / 4
        // Pixels are covered by their distance from the line, not by their exact share: one in fifty is measured.
        #expect(abs(ink - area) < area / 50)
    }

    @Test func textBeginsEndsOrHasItsMiddleAtItsAnchor() throws {
        let font = try Font.standard()
        func columns(_ anchor: Canvas.Anchor) -> [Int] {
            var canvas = Canvas(width: 120, height: 30)
            canvas.write("HHH", x: 60, y: 2, size: 16, anchor: anchor, font: font)
            return (0..<120).filter { x in (0..<30).contains { pixel(canvas, x, $0) != .white } }
        }
        let (left, center, right) = (columns(.left), columns(.center), columns(.right))
        #expect(left.first.map { 60...63 ~= $0 } == true)
        #expect(right.last.map { 56...59 ~= $0 } == true)
        #expect(left.count == right.count && center.count == left.count)
        #expect(abs((center[0] + center[center.count - 1]) / 2 - 60) <= 1)
    }
}
