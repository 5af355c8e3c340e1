import Foundation

/// What a PNG file says of its image, chunk by chunk (W3C, 2003, "Portable Network Graphics Specification").
struct PNGHeader {
    let size: ImageSize
    /// 1 (grey) or 3, palettes included.
    let channels: Int

    /// - Parameter bytes: A whole file, which begins as PNG does.
    /// - Throws: `FormatError` where the chunks do not begin with a header, or do not go on to the last one.
    init(_ bytes: Data, file: String) throws {
        let window = ByteWindow(bytes)
        func failure(_ offset: Int, _ found: String, _ expected: String) -> FormatError {
            FormatError(file: file, offset: min(offset, bytes.count), found: found, expected: expected)
        }
        func cutShort(at offset: Int) -> FormatError {
            failure(offset, "the end of the file", "the rest of the image, up to the chunk IEND")
        }
        guard window.holds("IHDR".utf8, at: 12), let width = window.doubleWord(at: 16),
            let height = window.doubleWord(at: 20), let colorType = window.byte(at: 25)
        else { throw failure(8, "no header", "the chunk IHDR") }
        try ImageHeader.check(height: height, width: width, file: file, offset: 16)
        size = ImageSize(height: height, width: width)
        switch colorType {
        case 0, 4: channels = 1
        case 2, 3, 6: channels = 3
        default: throw failure(25, "color type \(colorType)", "0, 2, 3, 4 or 6")
        }
        var place = 8
        while !window.holds("IEND".utf8, at: place + 4) {
            // A chunk's length, kind and checksum take 12 bytes.
            guard let length = window.doubleWord(at: place) else { throw cutShort(at: place) }
            place += 12 + length
        }
        guard place + 12 <= bytes.count else { throw cutShort(at: place) }
    }
}
