import ApusData
import ApusFormats
import ApusKernels
import TestSupport
import Testing

/// Makes an image's negative, half the time: a transform of a user's own.
private struct RandomNegative: Transform {
    func apply(_ input: ImageView, into output: ImageView, _ context: TransformContext) {
        let isNegative = context.random.uniform(at: 0) < 0.5
        for y in 0..<input.height {
            for x in 0..<input.width {
                for channel in 0..<input.channels {
                    let sample = input[y, x, channel]
                    output[y, x, channel] = isNegative ? 1 - sample : sample
                }
            }
        }
    }
}

@Suite struct AugmentationTests {
    private static let image = PixelImage.noise(6, 8, 1)

    @Test("Transforms follow each other, each with random numbers of its own, a user's among them")
    func composition() throws {
        let chain = Augmentation(
            RandomFlip(.horizontal), RandomNegative(), RandomCrop(size: ImageSize(height: 6, width: 3)),
            RandomNegative())
        #expect(try chain.outputSize(of: ImageSize(height: 6, width: 8)) == ImageSize(height: 6, width: 3))
        let plain = Samples(Self.image)
        var outcomes: Set<[Int]> = []
        for number in 0..<300 {
            let samples = try chain.samples(of: Self.image, number: number)
            let draws = (0..<4).map { place in
                CounterRandom(seed: 1, purpose: .augmentation, unit: place, sample: number)
            }
            let isFlipped = draws[0].uniform(at: 0) < 0.5
            let left = draws[2].integer(below: 6, at: 1)
            let negatives = [1, 3].map { draws[$0].uniform(at: 0) < 0.5 }
            for y in 0..<6 {
                for x in 0..<3 {
                    var value = plain[y, isFlipped ? 7 - x - left : x + left]
                    for isNegative in negatives where isNegative { value = 1 - value }
                    #expect(samples[y, x] == value)
                }
            }
            outcomes.insert([isFlipped ? 1 : 0, left] + negatives.map { $0 ? 1 : 0 })
        }
        #expect(outcomes.count == 48)
    }

    @Test("Each image, epoch and seed has other random numbers, and always the same")
    func random() throws {
        let chain = Augmentation(RandomAffine(rotation: 30, shift: 0.2))
        func samples(_ number: Int, _ seed: UInt64, _ epoch: Int) throws -> Samples {
            try chain.samples(of: Self.image, number: number, seed: seed, epoch: epoch)
        }
        let first = try samples(3, 1, 2)
        #expect(try samples(3, 1, 2) == first)
        #expect(try samples(4, 1, 2) != first)
        #expect(try samples(3, 2, 2) != first)
        #expect(try samples(3, 1, 3) != first)
    }

    @Test("Images of any size go through one memory after each other, each as on its own")
    func sizes() throws {
        let chain = try Augmentation(
            parsing: "elastic=20,rotate=20,flip,resize-shorter=5,brightness=0.5,random-resized-crop=4")
        #expect(try chain.outputSize(of: nil) == ImageSize(4))
        #expect(try Augmentation(parsing: "flip,resize-shorter=5").outputSize(of: nil) == nil)
        let workspace = TransformWorkspace()
        for (number, extents) in [(9, 9), (20, 30), (3, 5), (20, 30), (31, 2)].enumerated() {
            for channels in [1, 3] {
                let image = PixelImage.noise(extents.0, extents.1, channels)
                let samples = try withExtendedLifetime(workspace) {
                    Samples(try chain.apply(to: image, number: number, seed: 1, epoch: 0, in: workspace))
                }
                #expect(try samples == chain.samples(of: image, number: number))
                #expect(samples.size == ImageSize(4) && samples.channels == channels)
            }
        }
    }

    @Test("To be looked at, samples are rounded to bytes, and those beyond cut off")
    func bytes() throws {
        let image = PixelImage.noise(5, 5, 3)
        #expect(try Augmentation().apply(to: image, number: 0, seed: 1, epoch: 0) == image)
        let bright = try Augmentation(
            Lighting(components: PrincipalComponents(covariance: [[9e4, 0, 0], [0, 0, 0], [0, 0, 0]]))
        ).apply(to: image, number: 0, seed: 1, epoch: 0)
        #expect(
            bright.samples.enumerated().allSatisfy { index, byte in
                index % 3 == 0 ? byte == 0 || byte == 255 : byte == image.samples[index]
            })
    }

    @Test("What is out of range is told before anything is loaded")
    func checks() {
        let data = SomeImages(images: [Self.image])
        for transform in [
            RandomAffine(rotation: -1), RandomAffine(scale: 0...1), RandomAffine(fill: 2),
            RandomAffine(shift: .nan), ColorJitter(hue: 0.6), RandomFlip(probability: 1.1),
            CenterCrop(ImageSize(0)), Resize(shorterSide: 0), RandomResizedCrop(ImageSize(2), area: 0...1),
            RandomErasing(ratio: 0...1), ElasticDistortion(deviation: 0), RandomCrop(padding: -1),
            Lighting(deviation: -0.1), RandomCrop(size: ImageSize(7)),
        ] as [any Transform] {
            #expect(throws: TransformError.self, "\(transform)") {
                try Augmentation(transform).prepared(for: data)
            }
        }
    }
}
