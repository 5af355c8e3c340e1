import ApusFormats

/// A dataset's images in colour, turned to grey: their luma.
private struct GreyImages: Dataset {
    let base: any Dataset

    var name: String { base.name }
    var split: String { base.split }
    var count: Int { base.count }
    var classNames: [String] { base.classNames }
    var channels: Int { 1 }
    var imageSize: ImageSize? { base.imageSize }
    var skipped: [SkippedImage] { base.skipped }

    func label(of image: Int) -> Int { base.label(of: image) }
    func size(of image: Int) -> ImageSize? { base.size(of: image) }

    func image(_ index: Int, atLeast size: ImageSize?) throws -> PixelImage {
        try base.image(index, atLeast: size).converted(toChannels: channels)
    }
}

extension Preprocessing {
    /// The images of `dataset` in grey, if that is what these become; otherwise as they are.
    func grey(_ dataset: any Dataset) -> any Dataset {
        image.channels == 3 && input.channels == 1 && dataset.channels == 3
            ? GreyImages(base: dataset) : dataset
    }
}
