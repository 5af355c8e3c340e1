import ApusData
import ApusFormats

/// Images in rows and columns, with words: a title, a name before each row and above each column, lines under each image.
public struct ImageSheet: Sendable {
    /// An image and the lines under it.
    public struct Cell: Sendable {
        public var image: PixelImage
        public var captions: [String]

        public init(_ image: PixelImage, captions: [String] = []) {
            (self.image, self.captions) = (image, captions)
        }
    }

    public struct Row: Sendable {
        public var title: String
        public var cells: [Cell]

        public init(title: String = "", _ cells: [Cell]) { (self.title, self.cells) = (title, cells) }
    }

    public var rows: [Row]
    public var title = ""
    public var columnTitles: [String] = []
    /// Whether the first column stands apart from those that were made of it.
    public var isFirstColumnApart = false
    /// What colours mean, at the right of the first row.
    public var colorBar: ColorBar?
    /// The longer side of images in pixels: smaller ones are enlarged, each pixel so often that they stay below the least
    /// extent here; larger ones are reduced to the greatest.
    public var extents = 84...224

    private static let (margin, gap, textSize, titleSize) = (14, 8, 12, 15)
    private static let background = Color.grey(244)
    /// Captions and titles wider than this, and than the image, are cut.
    private static let widestText = 200

    public init(_ rows: [Row]) { self.rows = rows }

    /// The sheet as one image.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func image(font: Font) throws -> PixelImage {
        var sheet = self
        for row in rows.indices {
            for cell in rows[row].cells.indices {
                let image = rows[row].cells[cell].image
                sheet.rows[row].cells[cell].image = try image.reduced(toExtent: extents.upperBound)
            }
        }
        return sheet.drawn(Layout(sheet, font), font)
    }

    /// Where everything goes; pixels.
    private struct Layout {
        let zoom: Int
        /// Of the largest image, enlarged.
        let imageSize: ImageSize
        let lineHeight: Int
        let titleHeight: Int
        let columnWidth: Int
        /// Of each row, with its captions.
        let rowHeights: [Int]
        let rowTitleWidth: Int
        let columnTitleHeight: Int
        let size: ImageSize
        let columns: Int

        init(_ sheet: ImageSheet, _ font: Font) {
            let cells = sheet.rows.flatMap(\.cells)
            let extent = cells.reduce(1) { max($0, $1.image.height, $1.image.width) }
            let zoom = max(1, sheet.extents.lowerBound / extent)
            let line = font.lineHeight(size: textSize)
            func width(_ texts: [String]) -> Int {
                min(widestText, texts.map { font.width(of: $0, size: textSize) }.max() ?? 0)
            }
            imageSize = ImageSize(
                height: zoom * cells.reduce(1) { max($0, $1.image.height) },
                width: zoom * cells.reduce(1) { max($0, $1.image.width) })
            let imageHeight = imageSize.height
            rowHeights = sheet.rows.map { row in
                let lines = row.cells.reduce(0) { max($0, $1.captions.count) }
                return imageHeight + (lines > 0 ? lines * line + gap / 2 : 0)
            }
            columns = max(1, sheet.rows.reduce(0) { max($0, $1.cells.count) })
            columnWidth = max(imageSize.width, width(cells.flatMap(\.captions) + sheet.columnTitles))
            let titles = width(sheet.rows.map(\.title))
            rowTitleWidth = titles > 0 ? titles + margin : 0
            titleHeight = sheet.title.isEmpty ? 0 : font.lineHeight(size: titleSize) + gap
            columnTitleHeight = sheet.columnTitles.isEmpty ? 0 : line + gap / 2
            let bar = sheet.colorBar.map { $0.width(textSize: textSize, font: font) + margin } ?? 0
            let table =
                rowTitleWidth + columns * (columnWidth + gap) - gap + bar
                + (sheet.isFirstColumnApart ? margin : 0)
            let titleWidth = font.width(of: sheet.title, size: titleSize)
            size = ImageSize(
                height: 2 * margin + titleHeight + columnTitleHeight + rowHeights.reduce(0, +)
                    + gap * max(0, sheet.rows.count - 1),
                width: 2 * margin + max(table, titleWidth))
            (self.zoom, lineHeight) = (zoom, line)
        }

        /// The left side of a column.
        func x(_ column: Int, firstIsApart: Bool) -> Int {
            margin + rowTitleWidth + column * (columnWidth + gap) + (firstIsApart && column > 0 ? margin : 0)
        }
    }

    private func drawn(_ layout: Layout, _ font: Font) -> PixelImage {
        var canvas = Canvas(width: layout.size.width, height: layout.size.height, background: Self.background)
        let textSize = Self.textSize
        canvas.write(title, x: Self.margin, y: Self.margin, size: Self.titleSize, font: font)
        var y = Self.margin + layout.titleHeight
        func middle(_ column: Int) -> Int {
            layout.x(column, firstIsApart: isFirstColumnApart) + layout.columnWidth / 2
        }
        for (column, text) in columnTitles.prefix(layout.columns).enumerated() {
            canvas.write(
                font.cut(text, size: textSize, width: layout.columnWidth), x: middle(column), y: y,
                size: textSize,
                anchor: .center, font: font)
        }
        y += layout.columnTitleHeight
        colorBar?.draw(
            on: &canvas,
            x: layout.x(layout.columns, firstIsApart: isFirstColumnApart) - Self.gap + Self.margin,
            y: y, height: layout.imageSize.height, textSize: textSize, font: font)
        for (row, height) in zip(rows, layout.rowHeights) {
            let center = y + (layout.imageSize.height - layout.lineHeight) / 2
            canvas.write(
                font.cut(row.title, size: textSize, width: Self.widestText), x: Self.margin, y: center,
                size: textSize, font: font)
            for (column, cell) in row.cells.enumerated() {
                let (wide, high) = (layout.zoom * cell.image.width, layout.zoom * cell.image.height)
                canvas.draw(
                    cell.image, x: middle(column) - wide / 2, y: y + (layout.imageSize.height - high) / 2,
                    zoom: layout.zoom)
                for (line, text) in cell.captions.enumerated() {
                    canvas.write(
                        font.cut(text, size: textSize, width: layout.columnWidth), x: middle(column),
                        y: y + layout.imageSize.height + Self.gap / 2 + line * layout.lineHeight,
                        size: textSize, anchor: .center, font: font)
                }
            }
            y += height + Self.gap
        }
        return canvas.image
    }
}

extension Font {
    /// The text, or as much of its beginning as fits with an ellipsis.
    package func cut(_ text: String, size: Int, width: Int) -> String {
        guard self.width(of: text, size: size) > width else { return text }
        var rest = text[...]
        while !rest.isEmpty, self.width(of: rest + "…", size: size) > width { rest.removeLast() }
        return rest + "…"
    }
}
