import Foundation

/// What a JPEG file says of its image before the first scan, segment by segment (ITU-T T.81, 1992, "Digital
/// compression and coding of continuous-tone still images", annex B).
struct JPEGHeader {
    /// Of the image as it is stored.
    let size: ImageSize
    /// 1 (grey), 3 (colours) or 4 (inks).
    let components: Int
    let orientation: ExifOrientation
    /// Where the first scan begins.
    let scan: Int

    /// Channels of the decoded image.
    var channels: Int { components == 1 ? 1 : 3 }

    private enum Marker {
        static let end = 0xD9
        static let scan = 0xDA
        static let application1 = 0xE1
        /// Those that stand alone, without a segment after them.
        static func standsAlone(_ marker: Int) -> Bool { marker == 0x01 || 0xD0...0xD7 ~= marker }
        /// Frames of all processes: C4, C8 and CC are other segments.
        static func isFrame(_ marker: Int) -> Bool {
            0xC0...0xCF ~= marker && ![0xC4, 0xC8, 0xCC].contains(marker)
        }
    }

    /// - Parameter bytes: A whole file, which begins as JPEG does.
    /// - Throws: `FormatError` where the segments end or go astray before the first scan, or name no image that
    ///   can be decoded.
    init(_ bytes: Data, file: String) throws {
        let window = ByteWindow(bytes)
        var frame: (size: ImageSize, components: Int)?
        var orientation: ExifOrientation?
        var place = 2
        while true {
            let segment = try Self.segment(at: place, in: window, file: file)
            place = segment.end
            if segment.marker == Marker.scan {
                guard let frame else {
                    throw FormatError(
                        file: file, offset: segment.start, found: "a scan", expected: "a frame before it")
                }
                (size, components) = frame
                self.orientation = orientation ?? .topLeft
                scan = segment.start
                return
            } else if segment.marker == Marker.application1, orientation == nil {
                let contents = window.part(at: segment.start, count: segment.end - segment.start)
                orientation = ExifOrientation(application1: contents)
            } else if Marker.isFrame(segment.marker), frame == nil {
                frame = try Self.frame(at: segment.start, in: window, file: file)
            }
        }
    }

    /// Checks that the scans go on to the mark of the image's end.
    ///
    /// - Throws: `FormatError` where the file ends before.
    func requireEnd(of bytes: Data, file: String) throws {
        let window = ByteWindow(bytes)
        // Nearly all files end with the mark. Others go on, with a second image or a camera's notes.
        if window.holds([0xFF, UInt8(Marker.end)], at: bytes.count - 2) { return }
        var place = scan
        while let mark = bytes.dropFirst(place).firstIndex(of: 0xFF) {
            place = mark - bytes.startIndex + 1
            guard let marker = window.byte(at: place) else { break }
            if marker == Marker.end { return }
            // A zero makes the byte before it one of the scan's, a second mark is filling.
            if marker == 0 || marker == 0xFF || Marker.standsAlone(marker) { continue }
            guard let length = window.word(at: place + 1) else { break }
            place += 1 + length
        }
        throw FormatError(
            file: file, offset: bytes.count, found: "the end of the file",
            expected: "the rest of the image, up to its end mark (ff d9)")
    }

    /// The segment whose marker is next at `place`: what it is of, and where its contents lie.
    private static func segment(
        at place: Int, in window: ByteWindow, file: String
    ) throws -> (marker: Int, start: Int, end: Int) {
        func failure(_ offset: Int, _ found: String, _ expected: String) -> FormatError {
            FormatError(file: file, offset: min(offset, window.count), found: found, expected: expected)
        }
        var place = place
        guard let mark = window.byte(at: place) else {
            throw failure(place, "the end of the file", "a segment of the header")
        }
        guard mark == 0xFF else {
            throw failure(place, "the byte 0x" + String(mark, radix: 16), "the mark of a segment (ff)")
        }
        while window.byte(at: place) == 0xFF { place += 1 }
        guard let marker = window.byte(at: place) else {
            throw failure(place, "the end of the file", "the kind of a segment")
        }
        if Marker.standsAlone(marker) { return (marker, place + 1, place + 1) }
        guard marker != Marker.end else { throw failure(place, "the end of the image", "a scan") }
        guard let length = window.word(at: place + 1), length >= 2, place + 1 + length <= window.count else {
            throw failure(place + 1, "a segment that exceeds the file", "a segment of the header")
        }
        return (marker, place + 3, place + 1 + length)
    }

    private static func frame(
        at place: Int, in window: ByteWindow, file: String
    ) throws -> (ImageSize, components: Int) {
        func failure(_ offset: Int, _ found: String, _ expected: String) -> FormatError {
            FormatError(file: file, offset: offset, found: found, expected: expected)
        }
        guard let precision = window.byte(at: place), let height = window.word(at: place + 1),
            let width = window.word(at: place + 3), let components = window.byte(at: place + 5)
        else { throw failure(window.count, "the end of the file", "a frame") }
        guard precision == 8 else { throw failure(place, "samples of \(precision) bits", "8 bits") }
        try ImageHeader.check(height: height, width: width, file: file, offset: place + 1)
        guard [1, 3, 4].contains(components) else {
            throw failure(place + 5, "\(components) components", "1 (grey), 3 (colours) or 4 (inks)")
        }
        return (ImageSize(height: height, width: width), components)
    }
}
