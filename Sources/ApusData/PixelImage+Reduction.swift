import ApusFormats

extension PixelImage {
    /// The image with neither side longer than `extent`: itself where that is so, else resized in proportion.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    package func reduced(toExtent extent: Int) throws -> PixelImage {
        let longest = max(height, width)
        guard longest > extent else { return self }
        func scaled(_ side: Int) -> Int { max(1, side * extent / longest) }
        let size = ImageSize(height: scaled(height), width: scaled(width))
        return try Augmentation(Resize(size)).apply(to: self, number: 0, seed: 0, epoch: 0)
    }
}
