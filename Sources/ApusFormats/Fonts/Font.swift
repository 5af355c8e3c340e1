import CFreeType
import Foundation
import Synchronization

/// A font, whose letters FreeType draws.
public final class Font: Sendable {
    /// A letter as drawn: how much of each pixel it covers, and where it lies.
    package struct Glyph: Sendable {
        /// From where the letter begins, to the right, and from the top of its line downwards; pixels.
        package let left: Int
        package let top: Int
        package let height: Int
        package let width: Int
        /// `[height, width]`, 255 for the whole pixel.
        package let coverage: [UInt8]
        /// How far the next letter begins to the right of this one; pixels.
        package let advance: Double
    }

    /// Where systems keep a plain font without serifs. `APUS_FONT` names another.
    private static let places = [
        "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
        "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
        "/usr/share/fonts/TTF/DejaVuSans.ttf",
        "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
        "/System/Library/Fonts/Supplemental/Arial.ttf",
    ]

    private let face: Mutex<Face>

    /// The font of the system that pictures are labelled in: the file that the environment's `APUS_FONT` names, else
    /// DejaVu Sans or, on macOS, Arial.
    ///
    /// - Throws: `FontError.missing` where there is none of them, else as `init(contentsOf:)`.
    public static func standard() throws -> Font {
        if let path = ProcessInfo.processInfo.environment["APUS_FONT"], !path.isEmpty {
            return try Font(contentsOf: URL(fileURLWithPath: path))
        }
        guard let path = places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
            throw FontError.missing(searched: places)
        }
        return try Font(contentsOf: URL(fileURLWithPath: path))
    }

    /// Reads a font of a format that FreeType knows, such as TrueType.
    ///
    /// - Throws: `FileError` where the file cannot be read, `FontError.unreadable` where it holds no font that can be drawn
    ///   in any size.
    public init(contentsOf url: URL) throws {
        face = Mutex(try Face(WholeFile.contents(of: url), path: url.path))
    }

    /// The letters of a line, `size` pixels high as printers count; what the font does not have shows as a box.
    package func glyphs(_ text: String, size: Int) -> [Glyph] {
        face.withLock { face in
            face.set(size: size)
            return text.unicodeScalars.compactMap { face.glyph($0.value) }
        }
    }

    /// Pixels from the beginning of a line to where a next letter would begin.
    public func width(of text: String, size: Int) -> Int {
        Int(glyphs(text, size: size).reduce(0) { $0 + $1.advance }.rounded(.up))
    }

    /// Pixels from the top of a line to the top of the next.
    public func lineHeight(size: Int) -> Int {
        face.withLock { face in
            face.set(size: size)
            return face.lineHeight
        }
    }
}

/// The font of a file, in FreeType's hands. One thread at a time.
private final class Face {
    private var library: FT_Library?
    private var face: FT_Face?
    /// What FreeType reads from, as long as the font lives.
    private let bytes: UnsafeMutableRawBufferPointer
    private var size = 0

    init(_ data: Data, path: String) throws {
        bytes = .allocate(byteCount: max(1, data.count), alignment: 1)
        data.copyBytes(to: bytes)
        // What there is by then goes with this object, which is whole.
        func check(_ status: FT_Error) throws {
            if status != 0 { throw FontError.unreadable(path: path, code: Int(status)) }
        }
        try check(FT_Init_FreeType(&library))
        let start = bytes.bindMemory(to: FT_Byte.self).baseAddress
        try check(FT_New_Memory_Face(library, start, FT_Long(data.count), 0, &face))
        // Fonts of pixels have some sizes alone.
        guard (face?.pointee.face_flags ?? 0) & FT_Long(FT_FACE_FLAG_SCALABLE) != 0 else {
            throw FontError.unreadable(path: path, code: Int(FT_Err_Invalid_Pixel_Size))
        }
    }

    deinit {
        if let face { FT_Done_Face(face) }
        if let library { FT_Done_FreeType(library) }
        bytes.deallocate()
    }

    func set(size: Int) {
        guard size != self.size else { return }
        self.size = size
        FT_Set_Pixel_Sizes(face, 0, FT_UInt(max(1, size)))
    }

    private var metrics: FT_Size_Metrics? { face?.pointee.size?.pointee.metrics }

    /// As the font says, or at least so much that no letter reaches into the next line.
    var lineHeight: Int {
        guard let metrics else { return 0 }
        let descent = Int((-Double(metrics.descender) / 64).rounded(.up))
        return max(Int((Double(metrics.height) / 64).rounded(.up)), ascent + descent)
    }

    private var ascent: Int { Int(((metrics.map { Double($0.ascender) } ?? 0) / 64).rounded(.up)) }

    /// Nil where FreeType cannot draw it, as for want of memory.
    func glyph(_ code: UInt32) -> Font.Glyph? {
        // A bitmap that the font holds beside its outlines has bits where these have bytes.
        let flags = FT_Int32(FT_LOAD_RENDER | FT_LOAD_NO_BITMAP)
        guard FT_Load_Char(face, FT_ULong(code), flags) == 0, let slot = face?.pointee.glyph?.pointee,
            UInt32(slot.bitmap.pixel_mode) == FT_PIXEL_MODE_GRAY.rawValue || slot.bitmap.rows == 0
        else { return nil }
        let bitmap = slot.bitmap
        let (height, width) = (Int(bitmap.rows), Int(bitmap.width))
        var coverage: [UInt8] = []
        coverage.reserveCapacity(height * width)
        if let buffer = bitmap.buffer {
            for row in 0..<height {
                let start = buffer + row * Int(bitmap.pitch)
                coverage.append(contentsOf: UnsafeBufferPointer(start: start, count: width))
            }
        }
        return Font.Glyph(
            left: Int(slot.bitmap_left), top: ascent - Int(slot.bitmap_top),
            height: coverage.isEmpty ? 0 : height,
            width: width, coverage: coverage, advance: Double(slot.advance.x) / 64)
    }
}

/// A font that is not there, or cannot be used.
public enum FontError: Error, Sendable, Hashable, CustomStringConvertible {
    case missing(searched: [String])
    /// With the number of FreeType's error.
    case unreadable(path: String, code: Int)

    public var description: String {
        switch self {
        case .missing(let searched):
            "no font to label pictures with: found none of \(searched.joined(separator: ", ")); install DejaVu Sans "
                + "(Debian's package fonts-dejavu-core), or name a font's file in APUS_FONT"
        case .unreadable(let path, let code):
            "\(path): found no font that can be drawn in any size (FreeType's error \(code)), expected one such as "
                + "TrueType"
        }
    }
}
