import ApusFormats
import ApusKernels

/// Transforms that are done to each training image, one after the other, and what is mixed into it then.
///
/// Random numbers follow from the seed, the epoch, the image, and a transform's place among the others.
public struct Augmentation: Sendable {
    public var transforms: [any Transform]
    /// Nil where images stay by themselves.
    public var mixup: Mixup?

    public init(_ transforms: [any Transform] = [], mixup: Mixup? = nil) {
        self.transforms = transforms
        self.mixup = mixup
    }

    public init(_ transforms: any Transform..., mixup: Mixup? = nil) { self.init(transforms, mixup: mixup) }

    /// Checks what each transform was made with.
    public func check() throws {
        for transform in transforms { try transform.check() }
        try mixup?.check()
    }

    /// The size of what becomes of images.
    ///
    /// - Parameter size: of all images; nil where they differ.
    /// - Returns: nil where what becomes of them differs too.
    /// - Throws: where nothing can become of such images.
    public func outputSize(of size: ImageSize?) throws -> ImageSize? {
        try check()
        return try transforms.reduce(size) { size, transform in
            if let size { return try transform.outputSize(of: size) }
            return transform.outputSize
        }
    }

    /// The transforms for the images of a dataset.
    ///
    /// - Throws: where one of them is not for such images, or not as it should be.
    public func prepared(for data: any Dataset) throws -> Augmentation {
        try check()
        let prepared = Augmentation(try transforms.map { try $0.prepared(for: data) }, mixup: mixup)
        _ = try prepared.outputSize(of: data.imageSize)
        return prepared
    }

    /// What a decoder may make image number `index` of a dataset smaller to, as far as the transforms from a place on
    /// are concerned.
    ///
    /// - Parameter size: the whole image's; nil where it is not known.
    func leastInput(
        of size: ImageSize?, number index: Int, seed: UInt64, epoch: Int, from place: Int = 0
    ) -> ImageSize? {
        guard place < transforms.count else { return nil }
        let transform = transforms[place]
        let output = size.map { try? transform.outputSize(of: $0) } ?? transform.outputSize
        return transform.leastInput(
            of: size, for: leastInput(of: output, number: index, seed: seed, epoch: epoch, from: place + 1),
            random(place, number: index, seed: seed, epoch: epoch))
    }

    /// The random numbers of the transform at a place.
    private func random(_ place: Int, number index: Int, seed: UInt64, epoch: Int) -> CounterRandom {
        CounterRandom(seed: seed, purpose: .augmentation, unit: place, epoch: epoch, sample: index)
    }

    /// What becomes of an image by itself in an epoch, rounded to bytes: to be looked at.
    ///
    /// - Parameter index: the image's number in its dataset.
    public func apply(
        to image: PixelImage, number index: Int, seed: UInt64, epoch: Int
    ) throws -> PixelImage {
        try check()
        let workspace = TransformWorkspace()
        return try withExtendedLifetime(workspace) {
            try apply(to: image, number: index, seed: seed, epoch: epoch, in: workspace).bytes
        }
    }

    /// What becomes of an image of a dataset in an epoch, others mixed into it too, rounded to bytes.
    ///
    /// - Throws: what keeps an image from being read, or a transform from being done; `TransformError.size` where what
    ///   is to be mixed differs in size.
    public func variant(of index: Int, in data: any Dataset, seed: UInt64, epoch: Int) throws -> PixelImage {
        try check()
        let workspace = TransformWorkspace()
        return try withExtendedLifetime(workspace) {
            try samples(of: index, in: data, seed: seed, epoch: epoch, workspace).bytes
        }
    }

    /// What becomes of an image of a dataset, in the memory of `workspace`.
    func samples(
        of index: Int, in data: any Dataset, seed: UInt64, epoch: Int, _ workspace: TransformWorkspace
    ) throws -> ImageView {
        func transformed(_ index: Int, _ workspace: TransformWorkspace) throws -> ImageView {
            let least = leastInput(of: data.size(of: index), number: index, seed: seed, epoch: epoch)
            return try apply(
                to: data.image(index, atLeast: least), number: index, seed: seed, epoch: epoch, in: workspace)
        }
        let samples = try transformed(index, workspace)
        guard let partner = mixup?.partner(of: index, count: data.count, seed: seed, epoch: epoch) else {
            return samples
        }
        let other = try transformed(partner.image, workspace.partner)
        guard other.size == samples.size else {
            throw TransformError.size(
                transform: "mixup", found: other.size, expected: "one size, here \(samples.size)")
        }
        samples.mix(other, share: partner.share)
        return samples
    }

    /// What becomes of image number `index` of a dataset, in the memory of `workspace`.
    package func apply(
        to image: PixelImage, number index: Int, seed: UInt64, epoch: Int, in workspace: TransformWorkspace
    ) throws -> ImageView {
        var current = try workspace.image(0, image.size, channels: image.channels)
        current.load(bytes: image.samples)
        for (place, transform) in transforms.enumerated() {
            let size = try transform.outputSize(of: current.size)
            let output = try workspace.image((place + 1) & 1, size, channels: image.channels)
            try transform.apply(
                current, into: output,
                TransformContext(
                    random: random(place, number: index, seed: seed, epoch: epoch), workspace: workspace))
            current = output
        }
        return current
    }
}

extension ImageView {
    /// The samples rounded to bytes, what is beyond them cut off.
    fileprivate var bytes: PixelImage {
        PixelImage(
            height: height, width: width, channels: channels,
            samples: array.map { UInt8(min(max($0 * 255, 0), 255).rounded()) })
    }
}
