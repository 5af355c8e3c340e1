import Foundation

/// Images in files.
extension PixelImage {
    /// Decodes the JPEG or PNG file at `url`; its bytes tell which it is.
    ///
    /// The image is upright: what EXIF says of a camera's position is done. Grey stays grey, four inks become
    /// three colours, a palette its colours, samples of other depths 8 bits, and what is transparent lies on
    /// white.
    ///
    /// - Parameter size: what the image is to be resized to at least. JPEG leaves out detail that would be lost
    ///   then: the image is halved up to three times, as long as neither extent falls below. With nil all detail
    ///   is kept.
    /// - Throws: `FileError` where the file cannot be read, `FormatError` where it is no image, is damaged, cut
    ///   short, or of more pixels than 128 Mi.
    public init(contentsOf url: URL, atLeast size: ImageSize? = nil) throws {
        try self.init(decoding: WholeFile.contents(of: url), name: url.path, atLeast: size)
    }

    /// Decodes the bytes of a JPEG or PNG file.
    ///
    /// - Parameter name: The file's name in errors.
    /// - Throws: As `init(contentsOf:atLeast:)`.
    public init(decoding bytes: Data, name: String, atLeast size: ImageSize? = nil) throws {
        self =
            switch try ImageFormat(of: bytes, name: name) {
            case .jpeg: try JPEG.decode(bytes, name: name, atLeast: size)
            case .png: try PNG.decode(bytes, name: name)
            }
    }

    /// The bytes of a PNG file of the image.
    ///
    /// - Throws: `PNGEncodingError` where there is no memory for them.
    public func png() throws(PNGEncodingError) -> Data { try PNG.encode(self) }

    /// Replaces the file at `url` with the image as PNG, or creates it, whole or not at all.
    ///
    /// - Throws: As `png()`; `FileError` where the file cannot be written.
    public func writePNG(to url: URL) throws { try AtomicFile.write(png(), to: url) }
}
