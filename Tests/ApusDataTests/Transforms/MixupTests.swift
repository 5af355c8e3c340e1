import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import TestSupport
import Testing

@Suite("Mixup") struct MixupTests {
    private static let images = (0..<5).map { PixelImage.noise(6, 5, 1, seed: UInt64($0)) }

    /// Images, seen as they are but for what `text` says.
    private static func augmented(_ text: String) throws -> AugmentedImages {
        let shape = Shape(height: 6, width: 5, channels: 1)
        return try AugmentedImages(
            SomeImages(images: images), Augmentation(parsing: text),
            Preprocessing(shape, normalization: Normalization(mean: [0.25], deviation: [0.5])))
    }

    private static func loaded(_ images: AugmentedImages, _ index: Int, epoch: Int = 0) throws -> [Float] {
        let memory = try FloatBuffer(count: images.shape.count)
        let tensor = Tensor(memory.view, batch: 1, shape: images.shape, layout: .channelsLast)
        return try withExtendedLifetime(memory) {
            try images.load(index, seed: 7, epoch: epoch, into: tensor, at: 0)
            return tensor.channelsFirstArray
        }
    }

    @Test("Partners are any images alike, and shares are of Beta(alpha, alpha), other ones in each epoch")
    func partners() {
        let (mixup, count) = (Mixup(alpha: 0.5), 5000)
        func partners(_ seed: UInt64, _ epoch: Int) -> [Mixup.Partner] {
            (0..<count).map { mixup.partner(of: $0, count: 10, seed: seed, epoch: epoch) }
        }
        let drawn = partners(1, 0)
        #expect(partners(1, 0) == drawn && partners(1, 1) != drawn && partners(2, 0) != drawn)
        for image in 0..<10 {
            // A tenth of them, give or take five deviations.
            let found = drawn.count { $0.image == image }
            #expect(abs(found - count / 10) < Int(5 * (Double(count) * 0.09).squareRoot()))
        }
        // The variance of Beta(a, a) is 1 / (4 (2 a + 1)), and that of a squared distance from the middle at most 1/16.
        let squares = drawn.map { ($0.share - 0.5) * ($0.share - 0.5) }
        let variance = Double(squares.reduce(0, +)) / Double(count)
        #expect(abs(variance - 1.0 / 8) < 5 * 0.25 / Double(count).squareRoot())
    }

    /// Numbers up to 2; four roundings on either side.
    @Test("An image is the mean, by shares, of what the transforms make of it and of its partner")
    func mixing() throws {
        let plain = try Self.augmented("rotate=30,flip")
        let mixed = try Self.augmented("rotate=30,flip,mixup=1")
        for index in 0..<5 {
            for epoch in 0..<3 {
                let partner = Mixup(alpha: 1).partner(of: index, count: 5, seed: 7, epoch: epoch)
                let own = try Self.loaded(plain, index, epoch: epoch)
                let other = try Self.loaded(plain, partner.image, epoch: epoch)
                expectClose(
                    try Self.loaded(mixed, index, epoch: epoch),
                    zip(own, other).map { (1 - partner.share) * $0 + partner.share * $1 },
                    absolute: 2 * 8 * 0x1p-24)
                #expect(
                    mixed.mixture(of: index, seed: 7, epoch: epoch)
                        == Mixture(label: partner.image, share: partner.share))
                #expect(plain.mixture(of: index, seed: 7, epoch: epoch) == nil)
            }
        }
    }

    @Test("A batch tells of its images' partners in the order that they were shuffled into")
    func batch() throws {
        let images = try Self.augmented("mixup=1")
        let batch = try RunAheadBatch(
            images, batchSize: 3, layout: .channelsLast, loaders: 1, workers: Workers(count: 2))
        batch.shuffle(seed: 4, epoch: 2)
        try batch.begin(3..<5)
        for position in 0..<2 {
            // Each image is of its own class.
            let image = batch.label(at: position)
            #expect(batch.mixture(at: position) == images.mixture(of: image, seed: 4, epoch: 2))
        }
    }

    @Test("Images that are not brought to one size cannot be mixed")
    func sizes() throws {
        let data = SomeImages(images: [.noise(6, 5, 1), .noise(4, 5, 1), .noise(3, 3, 1)])
        func variants(_ text: String) throws {
            for epoch in 0..<10 {
                _ = try Augmentation(parsing: text).variant(of: 0, in: data, seed: 1, epoch: epoch)
            }
        }
        #expect(throws: TransformError.self) { try variants("mixup") }
        try variants("resize=4,mixup")
    }

    @Test("To be looked at, a variant is what training sees")
    func variant() throws {
        let (data, chain) = (SomeImages(images: Self.images), try Augmentation(parsing: "flip,mixup=1"))
        let seen = try Self.loaded(Self.augmented("flip,mixup=1"), 3, epoch: 5)
        let shown = try chain.variant(of: 3, in: data, seed: 7, epoch: 5)
        // Half a byte, and some rounding.
        expectClose(
            shown.samples.map { (Float($0) / 255 - 0.25) / 0.5 }, seen, absolute: 2 * 0.5 / 255 + 1e-6)
        #expect(try shown != chain.apply(to: Self.images[3], number: 3, seed: 7, epoch: 5))
    }
}
