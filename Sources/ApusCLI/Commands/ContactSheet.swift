import ApusData
import ApusFormats

/// Rows of images, side by side on one: the first of each apart from those that were made of it.
struct ContactSheet {
    private let rows: [[PixelImage]]
    /// Times that a pixel is repeated each way, for small images to be seen.
    private let zoom: Int
    private let cell: ImageSize

    /// Images up to this extent are shown enlarged, each pixel so often that they stay within it.
    private static let enlargedExtent = 84
    /// Larger ones than this are shown reduced to it.
    private static let greatestExtent = 224
    private static let (gap, margin) = (4, 12)
    private static let background: UInt8 = 236

    /// - Parameter rows: of equal length, their images of the same number of channels.
    init(rows: [[PixelImage]]) throws {
        self.rows = try rows.map { try $0.map { try $0.reduced(toExtent: Self.greatestExtent) } }
        let images = self.rows.flatMap(\.self)
        let extent = images.reduce(1) { max($0, $1.height, $1.width) }
        zoom = max(1, Self.enlargedExtent / extent)
        cell = ImageSize(
            height: zoom * images.reduce(1) { max($0, $1.height) },
            width: zoom * images.reduce(1) { max($0, $1.width) })
    }

    var image: PixelImage {
        let channels = rows.first?.first?.channels ?? 1
        let columns = rows.first?.count ?? 0
        let width = 3 * Self.margin + columns * cell.width + max(0, columns - 2) * Self.gap
        let height = 2 * Self.margin + rows.count * cell.height + (rows.count - 1) * Self.gap
        var samples = [UInt8](repeating: Self.background, count: height * width * channels)
        for (row, images) in rows.enumerated() {
            let top = Self.margin + row * (cell.height + Self.gap)
            for (column, image) in images.enumerated() {
                let left =
                    Self.margin + column * (cell.width + Self.gap)
                    + (column > 0 ? Self.margin - Self.gap : 0)
                // In the middle of its place.
                let (y, x) = (
                    top + (cell.height - zoom * image.height) / 2,
                    left + (cell.width - zoom * image.width) / 2
                )
                draw(image, into: &samples, from: (y * width + x) * channels, rowLength: width * channels)
            }
        }
        return PixelImage(height: height, width: width, channels: channels, samples: samples)
    }

    private func draw(_ image: PixelImage, into samples: inout [UInt8], from start: Int, rowLength: Int) {
        let channels = image.channels
        for y in 0..<zoom * image.height {
            for x in 0..<zoom * image.width {
                let pixel = (y / zoom * image.width + x / zoom) * channels
                for channel in 0..<channels {
                    samples[start + y * rowLength + x * channels + channel] = image.samples[pixel + channel]
                }
            }
        }
    }
}
