import ApusData
import ApusFormats
import ApusKernels
import TestSupport

/// What came of an image.
struct Samples: Equatable {
    let size: ImageSize
    let channels: Int
    /// `[height, width, channels]`.
    let values: [Float]

    subscript(y: Int, x: Int, channel: Int = 0) -> Float {
        values[(y * size.width + x) * channels + channel]
    }

    /// The image as it is, before any transform.
    init(_ image: PixelImage) {
        size = ImageSize(height: image.height, width: image.width)
        channels = image.channels
        values = image.samples.map { Float($0) / 255 }
    }

    init(_ image: ImageView) {
        size = ImageSize(height: image.height, width: image.width)
        channels = image.channels
        values = image.array
    }
}

extension PixelImage {
    /// An image of noise, the same for the same seed.
    static func noise(_ height: Int, _ width: Int, _ channels: Int, seed: UInt64 = 1) -> PixelImage {
        PixelImage(
            height: height, width: width, channels: channels,
            samples: integers(count: height * width * channels, seed: seed, range: 0...255).map { UInt8($0) })
    }

    /// A grey image whose bytes `body` computes.
    static func grey(_ height: Int, _ width: Int, _ body: (_ y: Int, _ x: Int) -> Int) -> PixelImage {
        PixelImage(
            height: height, width: width, channels: 1,
            samples: (0..<height).flatMap { y in (0..<width).map { UInt8(body(y, $0)) } })
    }
}

extension Augmentation {
    /// What becomes of an image as number `number` of a dataset.
    func samples(
        of image: PixelImage, number: Int = 0, seed: UInt64 = 1, epoch: Int = 0
    ) throws -> Samples {
        let workspace = TransformWorkspace()
        return try withExtendedLifetime(workspace) {
            Samples(try apply(to: image, number: number, seed: seed, epoch: epoch, in: workspace))
        }
    }
}

extension Transform {
    func samples(of image: PixelImage, number: Int = 0) throws -> Samples {
        try Augmentation(self).samples(of: image, number: number)
    }

    /// What becomes of an image as each of the first `count` of a dataset.
    func samples(of image: PixelImage, count: Int) throws -> [Samples] {
        try (0..<count).map { try samples(of: image, number: $0) }
    }

    /// The random numbers of the first transform for an image of the first epoch.
    func random(_ number: Int) -> CounterRandom {
        CounterRandom(seed: 1, purpose: .augmentation, sample: number)
    }
}

/// Images of any sizes, each of its own class.
struct SomeImages: Dataset {
    let images: [PixelImage]

    let name = "some"
    let split = "train"
    var count: Int { images.count }
    var classNames: [String] { images.indices.map { "class \($0)" } }
    var channels: Int { images[0].channels }
    var imageSize: ImageSize? {
        let sizes = Set(images.map(\.size))
        return sizes.count == 1 ? sizes.first : nil
    }
    func label(of image: Int) -> Int { image }
    func image(_ index: Int, atLeast size: ImageSize?) -> PixelImage { images[index] }
}
