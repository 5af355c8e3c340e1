import ApusData
import ApusFormats
import ApusKernels
import TestSupport
import Testing

@Suite struct AugmentedImagesTests {
    private static func preprocessing(_ image: Shape, _ input: Shape) throws -> Preprocessing {
        try Preprocessing(
            image: image, input: input,
            normalization: Normalization(
                mean: Array([0.5, 0.25, 0.75].prefix(input.channels)),
                deviation: Array([0.5, 0.25, 2].prefix(input.channels))))
    }

    private static func shape(_ height: Int, _ width: Int, _ channels: Int) -> Shape {
        Shape(height: height, width: width, channels: channels)
    }

    /// An image as a network would have it, `[channels, height, width]`.
    private static func loaded(
        _ images: AugmentedImages, _ index: Int, epoch: Int = 0, _ layout: Layout = .channelsLast
    ) throws -> [Float] {
        let memory = try FloatBuffer(count: layout.floats(batch: 1, images.shape))
        let tensor = Tensor(memory.view, batch: 1, shape: images.shape, layout: layout)
        return try withExtendedLifetime(memory) {
            try images.load(index, seed: 7, epoch: epoch, into: tensor, at: 0)
            return tensor.channelsFirstArray
        }
    }

    @Test("Without transforms, images are what a batch of them holds", arguments: [(1, 1), (1, 3), (3, 3)])
    func identity(channels: (Int, Int)) throws {
        let image = Self.shape(6, 5, channels.0)
        let data = try ImageDataset.synthetic(count: 4, shape: image, classes: 2, seed: 1, split: "train")
        for input in [Self.shape(6, 5, channels.1), Self.shape(9, 4, channels.1)] {
            let preprocessing = try Self.preprocessing(image, input)
            let images = try AugmentedImages(data, Augmentation(), preprocessing)
            #expect(images.shape == input && images.count == 4 && images.classCount == 2)
            let batch = try DatasetBatch(data, preprocessing)
            let memory = try FloatBuffer(count: 4 * input.count)
            let tensor = Tensor(memory.view, batch: 4, shape: input, layout: .channelsFirst)
            for index in 0..<4 {
                batch.load(index, into: tensor, at: index)
                #expect(images.label(of: index) == batch.label(at: index))
                // Numbers up to 3, from a sample, a factor, a product and a sum that are rounded, and in another size
                // means of a few.
                expectClose(
                    try Self.loaded(images, index), tensor.images(index..<index + 1).channelsFirstArray,
                    absolute: 3 * 20 * 0x1p-24)
            }
        }
    }

    @Test("Transforms come before the normalisation, and other sizes than the network's are resized to it")
    func transforms() throws {
        let colors = (0..<3).map { PixelImage.noise(4 + $0, 7, 3, seed: UInt64($0)) }
        let input = Self.shape(5, 6, 3)
        let preprocessing = try Self.preprocessing(input, input)
        for (text, all) in [
            ("flip", "flip,resize=5x6"), ("flip,resize=5x6", "flip,resize=5x6"),
            ("center-crop=3", "center-crop=3,resize=5x6"),
            ("random-resized-crop=5x6", "random-resized-crop=5x6"),
        ] {
            let images = try AugmentedImages(
                SomeImages(images: colors), Augmentation(parsing: text), preprocessing)
            let chain = try Augmentation(parsing: all)
            for (index, color) in colors.enumerated() {
                for epoch in 0..<3 {
                    let samples = try chain.samples(of: color, number: index, seed: 7, epoch: epoch)
                    let expected = (0..<3).flatMap { channel in
                        (0..<5).flatMap { y in
                            (0..<6).map { x in
                                (samples[y, x, channel] - [0.5, 0.25, 0.75][channel])
                                    / ([0.5, 0.25, 2] as [Float])[channel]
                            }
                        }
                    }
                    for layout in Layout.allCases {
                        expectClose(
                            try Self.loaded(images, index, epoch: epoch, layout), expected,
                            absolute: 3 * 6 * 0x1p-24)
                    }
                }
            }
        }
    }

    @Test("Batches have the same bits on any number of loaders and workers")
    func threads() throws {
        let shape = Self.shape(12, 10, 1)
        let data = try ImageDataset.synthetic(count: 50, shape: shape, classes: 5, seed: 2, split: "train")
        let chain = try Augmentation(
            parsing: "elastic=10:deviation=2,rotate=20,shift=0.1,flip,brightness=0.2,erase=0.8,pad-crop=2")
        let images = try AugmentedImages(data, chain, Self.preprocessing(shape, shape))
        func bits(loaders: Int, workers: Int) throws -> [UInt32] {
            let batch = try RunAheadBatch(
                images, batchSize: 16, layout: .channelsLast, loaders: loaders,
                workers: Workers(count: workers))
            let memory = try FloatBuffer(count: 16 * shape.count)
            let tensor = Tensor(memory.view, batch: 16, shape: shape, layout: .channelsLast)
            var values: [Float] = []
            for epoch in 0..<2 {
                batch.shuffle(seed: 3, epoch: epoch)
                for start in stride(from: 0, to: 50, by: 16) {
                    let places = start..<min(start + 16, 50)
                    try batch.begin(places)
                    for position in 0..<places.count { batch.load(position, into: tensor, at: position) }
                    values += tensor.images(0..<places.count).channelsFirstArray
                }
            }
            return withExtendedLifetime(memory) { values.map(\.bitPattern) }
        }
        let alone = try bits(loaders: 0, workers: 1)
        for (loaders, workers) in [(0, 2), (1, 1), (3, 2), (2, 3)] {
            #expect(try bits(loaders: loaders, workers: workers) == alone)
        }
    }

    @Test("What does not fit is refused before a run")
    func refusals() throws {
        let grey = SomeImages(images: [.noise(5, 5, 1)])
        let (one, three) = (Self.shape(5, 5, 1), Self.shape(5, 5, 3))
        #expect(throws: TransformError.self) {
            try AugmentedImages(grey, Augmentation(Lighting()), Self.preprocessing(one, three))
        }
        #expect(throws: TransformError.self) {
            try AugmentedImages(
                grey, Augmentation(RandomCrop(size: ImageSize(6))), Self.preprocessing(one, one))
        }
        #expect(throws: DataError.self) {
            try AugmentedImages(
                SomeImages(images: [.noise(5, 5, 3)]), Augmentation(), Self.preprocessing(one, one))
        }
    }
}
