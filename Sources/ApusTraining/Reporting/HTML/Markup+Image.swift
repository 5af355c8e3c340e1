import ApusFormats

extension Markup {
    /// An image, in the page itself.
    mutating func addImage(_ image: PixelImage, alt: String, style: String) {
        // An image that libpng does not write leaves its words.
        guard let png = try? image.png() else { return add(alt) }
        void(
            "img",
            [
                "class": style, "width": "\(image.width)", "height": "\(image.height)", "alt": alt,
                "src": "data:image/png;base64,\(png.base64EncodedString())",
            ])
    }
}
