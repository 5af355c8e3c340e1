import ApusFormats
import ApusTraining

/// Points in a plane, coloured by their classes.
public struct ScatterPlot: Sendable {
    public struct Point: Sendable {
        public var x: Double
        public var y: Double
        /// The place of its class's name.
        public var classIndex: Int
        /// What is written beside it.
        public var label: String

        public init(x: Double, y: Double, classIndex: Int = 0, label: String = "") {
            (self.x, self.y, self.classIndex, self.label) = (x, y, classIndex, label)
        }
    }

    public var title: String
    public var xTitle: String
    public var yTitle: String
    /// For the legend, which is left out where there are none.
    public var classNames: [String] = []
    public var isXLogarithmic = false
    public var isYLogarithmic = false
    /// What the y axis does not go beyond, as 1 for shares.
    public var greatestY = Double.infinity
    /// What cannot be placed, because it is not finite, or on a logarithmic axis not above 0, is left out.
    public var points: [Point]

    private static let (width, height, margin, textSize, titleSize) = (640, 520, 16, 13, 16)
    private static let mostNames = 24
    /// Points beyond this many are small and let each other show through.
    private static let fewPoints = 60

    public init(_ title: String, xTitle: String, yTitle: String, _ points: [Point]) {
        (self.title, self.xTitle, self.yTitle, self.points) = (title, xTitle, yTitle, points)
    }

    /// The points that can be placed.
    private var placed: [Point] {
        points.filter {
            $0.x.isFinite && $0.y.isFinite && (!isXLogarithmic || $0.x > 0) && (!isYLogarithmic || $0.y > 0)
        }
    }

    public func image(font: Font) -> PixelImage {
        let placed = placed
        let x = PlotScale(holding: placed.map(\.x), isLogarithmic: isXLogarithmic)
        let y = PlotScale(holding: placed.map(\.y), isLogarithmic: isYLogarithmic, limit: greatestY)
        let line = font.lineHeight(size: Self.textSize)
        let widest = y.ticks.map { font.width(of: $0.label, size: Self.textSize) }.max() ?? 0
        let frame = Frame(
            left: Double(Self.margin + widest + 8), right: Double(Self.width - Self.margin),
            top: Double(Self.margin + font.lineHeight(size: Self.titleSize) + line + 16),
            bottom: Double(Self.height - Self.margin - 2 * line - 10))
        let legendWidth = legend.map { font.width(of: $0, size: Self.textSize) }.max().map { $0 + 24 } ?? 0
        let width = Self.width + (legend.isEmpty ? 0 : legendWidth + Self.margin)
        var canvas = Canvas(width: width, height: Self.height)
        canvas.write(title, x: Self.margin, y: Self.margin, size: Self.titleSize, font: font)
        drawAxes(x, y, frame, on: &canvas, font)
        let isFew = placed.count <= Self.fewPoints
        for point in placed {
            let (right, down) = frame.place(x.share(point.x), y.share(point.y))
            canvas.disc(
                x: right, y: down, radius: isFew ? 5 : 2.5, color(point.classIndex), opacity: isFew ? 1 : 0.7)
        }
        drawLabels(
            placed.map { ($0.label, frame.place(x.share($0.x), y.share($0.y))) }, frame, on: &canvas, font)
        for (row, name) in legend.enumerated() {
            let top = Int(frame.top) + row * (line + 2)
            if row < classNames.count, row < Self.mostNames {
                canvas.disc(
                    x: Double(Self.width + 6), y: Double(top) + Double(line) / 2, radius: 5, color(row))
            }
            canvas.write(name, x: Self.width + 18, y: top, size: Self.textSize, font: font)
        }
        return canvas.image
    }

    /// Where the points lie; pixels.
    private struct Frame {
        let left: Double
        let right: Double
        let top: Double
        let bottom: Double

        func place(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
            (left + x * (right - left), bottom - y * (bottom - top))
        }
    }

    /// The names of the classes, as many as there is room for.
    private var legend: [String] {
        guard classNames.count > Self.mostNames else { return classNames }
        return classNames.prefix(Self.mostNames) + ["and \(classNames.count - Self.mostNames) more"]
    }

    private func color(_ classIndex: Int) -> Color {
        Color.ofClass(classIndex, of: max(1, classNames.count))
    }

    private func drawAxes(
        _ x: PlotScale, _ y: PlotScale, _ frame: Frame, on canvas: inout Canvas, _ font: Font
    ) {
        let (size, line) = (Self.textSize, font.lineHeight(size: Self.textSize))
        let (grid, grey) = (Color.grey(225), Color.grey(90))
        for tick in x.ticks {
            let (across, bottom) = frame.place(tick.share, 0)
            canvas.line(from: (across, frame.top), to: (across, bottom), grid)
            canvas.write(
                tick.label, x: Int(across), y: Int(bottom) + 6, size: size, color: grey, anchor: .center,
                font: font)
        }
        for tick in y.ticks {
            let (left, down) = frame.place(0, tick.share)
            canvas.line(from: (left, down), to: (frame.right, down), grid)
            canvas.write(
                tick.label, x: Int(left) - 6, y: Int(down) - line / 2, size: size, color: grey,
                anchor: .right,
                font: font)
        }
        canvas.line(from: (frame.left, frame.bottom), to: (frame.right, frame.bottom), grey)
        canvas.line(from: (frame.left, frame.top), to: (frame.left, frame.bottom), grey)
        canvas.write(yTitle, x: Self.margin, y: Int(frame.top) - line - 6, size: size, font: font)
        canvas.write(
            xTitle, x: Int(frame.right), y: Int(frame.bottom) + line + 10, size: size, anchor: .right,
            font: font)
    }

    /// Writes labels beside their points, where no other is in the way if there is such a place.
    private func drawLabels(
        _ labels: [(text: String, point: (x: Double, y: Double))], _ frame: Frame, on canvas: inout Canvas,
        _ font: Font
    ) {
        struct Box {
            let (x, y, width, height): (Double, Double, Double, Double)
            func touches(_ other: Box) -> Bool {
                x < other.x + other.width && other.x < x + width && y < other.y + other.height
                    && other.y < y + height
            }
        }
        let height = Double(font.lineHeight(size: Self.textSize))
        var taken = labels.map { Box(x: $0.point.x - 5, y: $0.point.y - 5, width: 10, height: 10) }
        for (text, point) in labels where !text.isEmpty {
            let width = Double(font.width(of: text, size: Self.textSize))
            let places = [
                (point.x + 9, point.y - height / 2), (point.x - 9 - width, point.y - height / 2),
                (point.x - width / 2, point.y - 7 - height), (point.x - width / 2, point.y + 7),
            ].map { Box(x: $0.0, y: $0.1, width: width, height: height) }
            let inside = places.filter { $0.x >= frame.left && $0.x + width <= frame.right }
            let free = inside.first { box in !taken.contains { $0.touches(box) } }
            let box = free ?? inside.first ?? places[0]
            taken.append(box)
            canvas.write(text, x: Int(box.x), y: Int(box.y), size: Self.textSize, font: font)
        }
    }
}
