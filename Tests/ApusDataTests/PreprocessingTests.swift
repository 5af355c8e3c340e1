import ApusData
import ApusFormats
import ApusKernels
import Testing

@Suite struct PreprocessingTests {
    private static func extent(_ height: Int, _ width: Int, _ channels: Int) -> Shape {
        Shape(height: height, width: width, channels: channels)
    }

    private static func dataset(_ shape: Shape) throws -> ImageDataset {
        try .synthetic(count: 4, shape: shape, classes: 2, seed: 1, split: "train")
    }

    /// The images of `dataset` as a network sees them, `[count, channels, height, width]`.
    private static func loaded(
        _ dataset: ImageDataset, _ preprocessing: Preprocessing, _ layout: Layout = .channelsLast
    ) throws -> [Float] {
        let batch = try DatasetBatch(dataset, preprocessing)
        let memory = try FloatBuffer(count: layout.floats(batch: dataset.count, preprocessing.input))
        let tensor = Tensor(
            memory.view, batch: dataset.count, shape: preprocessing.input, layout: layout)
        return withExtendedLifetime(memory) {
            for image in 0..<dataset.count { batch.load(image, into: tensor, at: image) }
            return tensor.channelsFirstArray
        }
    }

    @Test("Of the same size, a byte becomes what the table says", arguments: Layout.allCases)
    func identity(layout: Layout) throws {
        let dataset = try Self.dataset(Self.extent(5, 6, 1))
        let table = Normalization.mnist.table(channel: 0)
        let values = try Self.loaded(
            dataset, Preprocessing(dataset.shape, normalization: .mnist), layout)
        #expect(values == dataset.pixels.map { table[Int($0)] })
    }

    @Test("Grey becomes three channels of the same values, of which the constants are repeated")
    func repeated() throws {
        let dataset = try Self.dataset(Self.extent(5, 6, 1))
        for size in [Self.extent(5, 6, 3), Self.extent(9, 4, 3)] {
            let preprocessing = try Preprocessing(
                image: dataset.shape, input: size, normalization: .fashionMNIST)
            #expect(preprocessing.normalization.mean == [0.2860, 0.2860, 0.2860])
            #expect(preprocessing.normalization.deviation == [0.3530, 0.3530, 0.3530])
            let grey = try Preprocessing(
                image: dataset.shape, input: Self.extent(size.height, size.width, 1),
                normalization: .fashionMNIST)
            let (colour, single) = (
                try Self.loaded(dataset, preprocessing), try Self.loaded(dataset, grey)
            )
            let pixels = size.pixels
            for image in 0..<dataset.count {
                let plane = single[image * pixels..<(image + 1) * pixels]
                for channel in 0..<3 {
                    let start = (image * 3 + channel) * pixels
                    #expect(colour[start..<start + pixels] == plane)
                }
            }
        }
    }

    @Test("Each channel of a resized image has its own constants")
    func constants() throws {
        let shape = Self.extent(1, 1, 2)
        let dataset = try ImageDataset(
            name: "some", split: "train", shape: shape, pixels: [51, 255], labels: [0], classNames: ["a"])
        let preprocessing = try Preprocessing(
            image: shape, input: Self.extent(2, 1, 2),
            normalization: Normalization(mean: [0, 0.5], deviation: [0.5, 0.25]))
        #expect(preprocessing.resizes)
        let values = try Self.loaded(dataset, preprocessing)
        // 51 / 255 / 0.5, with the factor rounded and the product.
        #expect(abs(values[0] - 0.4) <= 0.4 * .ulpOfOne && values[1] == values[0])
        #expect(abs(values[2] - 2) <= 4 * .ulpOfOne && values[3] == values[2])
    }

    @Test(
        "For a network, grey takes its channels, colour becomes grey where it has one, and the size is as asked"
    )
    func splits() throws {
        func splits(_ shape: Shape) throws -> DatasetSplits {
            let dataset = try Self.dataset(shape)
            return try DatasetSplits(
                train: dataset, test: dataset, normalization: .symmetric(channels: shape.channels))
        }
        let grey = try splits(Self.extent(5, 6, 1))
        #expect(try Preprocessing(for: grey, channels: 1).input == Self.extent(5, 6, 1))
        #expect(try Preprocessing(for: grey, channels: 3).input == Self.extent(5, 6, 3))
        #expect(
            try Preprocessing(for: grey, size: ImageSize(height: 8, width: 7), channels: 3).input
                == Self.extent(8, 7, 3))
        let colour = try splits(Self.extent(5, 6, 3))
        #expect(try Preprocessing(for: colour, size: ImageSize(9), channels: 3).input == Self.extent(9, 9, 3))
        #expect(try Preprocessing(for: colour, size: ImageSize(9), channels: 1).input == Self.extent(9, 9, 1))
    }

    @Test("What is for other channels or other images is refused by both")
    func refusals() throws {
        let (grey, colour) = (Self.extent(4, 4, 1), Self.extent(4, 4, 3))
        let two = Self.extent(4, 4, 2)
        #expect(throws: DataError.channelMismatch(image: "4x4x3", input: "4x4x2")) {
            try Preprocessing(image: colour, input: two, normalization: .symmetric(channels: 2))
        }
        #expect(throws: DataError.self) {
            try Preprocessing(image: colour, input: colour, normalization: .mnist)
        }
        #expect(throws: DataError.self) {
            try Preprocessing(grey, normalization: .symmetric(channels: 3))
        }
        let preprocessing = try Preprocessing(image: grey, input: colour, normalization: .mnist)
        #expect(
            throws: DataError.shapeMismatch(
                dataset: "synthetic (train)", found: "5x4x1", expected: "4x4x1")
        ) { try DatasetBatch(try Self.dataset(Self.extent(5, 4, 1)), preprocessing) }
    }
}
