import ApusFormats
import ApusKernels
import ApusTraining

/// Pictures of what a network has learnt.
extension ImageSheet {
    /// Filters side by side, where they see grey or coloured images; where they see others, a mosaic: a row for each
    /// filter, and in it a map for each channel that it sees.
    public init(_ filters: FilterPictures, scale: FilterPictures.Scale) {
        let (height, width) = (filters.shape[2], filters.shape[3])
        let title = "\(filters.name): \(filters.shape[0].counted("filter")) of \(height)x\(width)"
        if filters.filters.allSatisfy({ $0.count == 1 }) {
            let cells = filters.filters.indices.map { index in
                Cell(
                    filters.filters[index][0],
                    captions: scale == .each
                        ? ["\(index): ±\(Double(filters.greatest[index]).digits(2))"] : ["\(index)"])
            }
            self.init(Self.rows(cells))
        } else {
            let mosaic = Self.mosaic(filters.filters)
            let captions = ["rows: filters", "columns: channels they see"]
            self.init([Row([Cell(mosaic, captions: captions)])])
            extents = Self.mosaicExtent...max(Self.mosaicExtent, mosaic.height, mosaic.width)
        }
        self.title = "\(title), \(scale.words)"
        if scale == .all {
            let greatest = Double(filters.greatest.max() ?? 0)
            colorBar = ColorBar(.grey, from: -greatest, to: greatest)
        }
    }

    /// The first maps of a layer; a vector is one picture, row after row.
    ///
    /// - Parameter count: the most maps to show.
    public init(_ maps: LayerMaps, scale: LayerMaps.Scale, count: Int = 64) {
        let pictures = maps.pictures(scale: scale, count: count)
        let cells = zip(pictures.indices, zip(pictures, maps.maps)).map { index, map in
            Cell(
                map.0,
                captions: maps.shape.isVector
                    ? []
                    : [
                        scale == .each
                            ? "\(index): \(Double(LayerMaps.greatest(map.1)).digits(2))" : "\(index)"
                    ])
        }
        self.init(Self.rows(cells))
        let shown = cells.count < maps.maps.count ? ", the first \(cells.count)" : ""
        title = "\(maps.layer): \(maps.kind), \(maps.shape)\(shown)"
        if maps.shape.isVector {
            extents = Self.vectorExtent...Self.vectorExtent
        } else {
            title += ", \(scale.words)"
        }
        if scale == .all || maps.shape.isVector { colorBar = maps.colors }
    }

    /// Small mosaics are enlarged to about this, and vectors.
    private static let (mosaicExtent, vectorExtent) = (640, 240)

    /// Cells in rows, half as many again in a row as there are rows.
    private static func rows(_ cells: [Cell]) -> [Row] {
        let columns = max(
            1, min(cells.count, max(6, Int(Double(cells.count * 3 / 2).squareRoot().rounded(.up)))))
        return stride(from: 0, to: cells.count, by: columns).map {
            Row(Array(cells[$0..<min($0 + columns, cells.count)]))
        }
    }

    /// Pictures of one size in rows, a pixel apart where they have more than one.
    private static func mosaic(_ rows: [[PixelImage]]) -> PixelImage {
        let (height, width) = (rows[0][0].height, rows[0][0].width)
        let gap = height * width > 1 ? 1 : 0
        var canvas = Canvas(
            width: rows[0].count * (width + gap) - gap, height: rows.count * (height + gap) - gap)
        for (row, pictures) in rows.enumerated() {
            for (column, picture) in pictures.enumerated() {
                canvas.draw(picture, x: column * (width + gap), y: row * (height + gap))
            }
        }
        return canvas.image
    }
}

extension FilterPictures.Scale {
    /// What shares a scale.
    public var words: String {
        switch self {
        case .all: "all on one scale"
        case .each: "each on its own scale"
        }
    }
}

extension FeatureEmbedding {
    /// The images as points in the colours of their classes.
    public func plot(title: String) -> ScatterPlot {
        func axis(_ place: Int) -> String {
            "component \(place + 1): \((100 * varianceShares[place]).decimals(1)) % of the variance"
        }
        var plot = ScatterPlot(
            title, xTitle: axis(0), yTitle: axis(1),
            points.map { ScatterPlot.Point(x: $0.x, y: $0.y, classIndex: $0.label) })
        plot.classNames = classNames
        return plot
    }
}
