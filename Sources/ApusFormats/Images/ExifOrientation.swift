import Foundation

/// How a camera was held: what makes its image upright (CIPA DC-008, "Exchangeable image file format for digital
/// still cameras", tag 0x0112).
///
/// Each case names where row 0 and column 0 of the stored image lie when one looks at it.
enum ExifOrientation: Int, CaseIterable {
    case topLeft = 1
    case topRight, bottomRight, bottomLeft
    case leftTop, rightTop, rightBottom, leftBottom

    private static let identifier = Data("Exif\0\0".utf8)
    private static let tag = 0x0112
    private static let shortType = 3

    /// The orientation that the contents of a JPEG's APP1 segment name; nil where they are something else, or
    /// name none. Whatever is wrong with them keeps nobody from seeing the image as it is stored.
    init?(application1 contents: Data) {
        guard contents.starts(with: Self.identifier) else { return nil }
        var tiff = ByteWindow(contents.dropFirst(Self.identifier.count))
        if tiff.holds("II*\0".utf8, at: 0) {
            tiff.isBigEndian = false
        } else if !tiff.holds("MM\0*".utf8, at: 0) {
            return nil
        }
        guard let directory = tiff.doubleWord(at: 4), let entries = tiff.word(at: directory) else {
            return nil
        }
        for entry in 0..<entries {
            let place = directory + 2 + 12 * entry
            guard let tag = tiff.word(at: place) else { return nil }
            guard tag == Self.tag else { continue }
            guard tiff.word(at: place + 2) == Self.shortType, tiff.doubleWord(at: place + 4) == 1,
                let value = tiff.word(at: place + 8)
            else { return nil }
            self.init(rawValue: value)
            return
        }
        return nil
    }

    /// Whether rows of the stored image are columns of the upright one.
    private var swapsAxes: Bool { rawValue >= ExifOrientation.leftTop.rawValue }

    /// The extents upright of an image stored with these, and the other way round.
    func turned(_ size: ImageSize) -> ImageSize {
        swapsAxes ? ImageSize(height: size.width, width: size.height) : size
    }

    /// The image upright.
    func upright(_ image: PixelImage) -> PixelImage {
        guard self != .topLeft else { return image }
        let (size, channels) = (turned(image.size), image.channels)
        let (lastRow, lastColumn) = (image.height - 1, image.width - 1)
        /// Where the pixel of the upright image comes from.
        func source(_ y: Int, _ x: Int) -> (row: Int, column: Int) {
            switch self {
            case .topLeft: (y, x)
            case .topRight: (y, lastColumn - x)
            case .bottomRight: (lastRow - y, lastColumn - x)
            case .bottomLeft: (lastRow - y, x)
            case .leftTop: (x, y)
            case .rightTop: (lastRow - x, y)
            case .rightBottom: (lastRow - x, lastColumn - y)
            case .leftBottom: (x, lastColumn - y)
            }
        }
        let samples = [UInt8](unsafeUninitializedCapacity: image.samples.count) { output, count in
            image.samples.withUnsafeBufferPointer { input in
                for y in 0..<size.height {
                    for x in 0..<size.width {
                        let (row, column) = source(y, x)
                        let (to, from) = (y * size.width + x, row * image.width + column)
                        for channel in 0..<channels {
                            output[to * channels + channel] = input[from * channels + channel]
                        }
                    }
                }
            }
            count = image.samples.count
        }
        return PixelImage(height: size.height, width: size.width, channels: channels, samples: samples)
    }
}
