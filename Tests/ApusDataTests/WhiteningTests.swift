import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import Testing
import TestSupport

@Suite("Whitening") struct WhiteningTests {
    /// Images of noise whose neighbours have half of it in common; the first pixel is black in all where asked for.
    static func images(
        _ count: Int = 600, height: Int = 4, width: Int = 5, channels: Int = 1, blackCorner: Bool = false,
        split: String = "train"
    ) throws -> ImageDataset {
        var generator = SplitMix64(seed: split == "train" ? 1 : 2)
        let size = height * width * channels
        let pixels = (0..<count).flatMap { _ in
            let noise = (0...size).map { _ in Int.random(in: 0...127, using: &generator) }
            return (0..<size).map { blackCorner && $0 == 0 ? UInt8(0) : UInt8(noise[$0] + noise[$0 + 1]) }
        }
        return try ImageDataset(
            name: "noise", split: split, shape: Shape(height: height, width: width, channels: channels),
            pixels: pixels, labels: (0..<count).map { UInt16($0 % 3) }, classNames: ["a", "b", "c"])
    }

    private static func plain(_ data: ImageDataset) throws -> Preprocessing {
        let channels = data.shape.channels
        return try Preprocessing(
            data.shape,
            normalization: Normalization(
                mean: Array(repeating: 0.5, count: channels),
                deviation: Array(repeating: 0.2, count: channels)))
    }

    /// What a batch gives of all images at once, `[count, channels, height, width]`.
    private static func loaded(
        _ batch: some BatchSource, _ count: Int, _ shape: Shape, _ layout: Layout = .channelsFirst,
        oneByOne: Bool = false
    ) throws -> [Float] {
        let memory = try FloatBuffer(count: layout.floats(batch: count, shape))
        let tensor = Tensor(memory.view, batch: count, shape: shape, layout: layout)
        return withExtendedLifetime(memory) {
            if oneByOne {
                for image in 0..<count { batch.load(image, into: tensor, at: image) }
            } else {
                batch.load(0..<count, into: tensor)
            }
            return tensor.channelsFirstArray
        }
    }

    @Test(
        "The images it was fitted to have the mean 0 and the identity for their covariance",
        arguments: Whitening.Method.allCases, [1, 3])
    func identity(method: Whitening.Method, channels: Int) throws {
        let data = try Self.images(channels: channels)
        let preprocessing = try Self.plain(data).whitened(
            Whitening.Settings(method, epsilon: 0), on: data, threads: 2)
        let summary = try #require(preprocessing.whitening?.summary)
        #expect(summary.images == 600 && summary.flatDirections == 0 && summary.method == method)
        let values = try Self.loaded(DatasetBatch(data, preprocessing), data.count, data.shape)
        let count = data.shape.count
        let sums = try CovarianceSums(features: count)
        let memory = try FloatBuffer(count: values.count)
        memory.view.copy(from: values)
        sums.add(memory.view.matrix(rows: data.count, columns: count), workers: Workers(count: 1))
        let covariance = sums.covariance
        // An image's numbers are sums of `count` products of up to some 3 x 10, in single precision.
        let tolerance = Double(count) * 30 * 0x1p-23
        expectClose(covariance.mean, Array(repeating: 0, count: count), absolute: tolerance)
        expectClose(
            covariance.matrix, (0..<count * count).map { $0 % (count + 1) == 0 ? 1 : 0 }, absolute: tolerance)
    }

    @Test(
        "One by one, several at once and loaded ahead, images are the same in every layout",
        arguments: Layout.allCases)
    func sources(layout: Layout) throws {
        let data = try Self.images(21, channels: 3)
        let preprocessing = try Self.plain(data).whitened(.init(.zca), on: data)
        let expected = try Self.loaded(DatasetBatch(data, preprocessing), data.count, data.shape)
        // A product of another extent may add in another order.
        let tolerance = 60 * 4 * 0x1p-23
        for oneByOne in [false, true] {
            let batch = try DatasetBatch(data, preprocessing)
            expectClose(
                try Self.loaded(batch, data.count, data.shape, layout, oneByOne: oneByOne), expected,
                absolute: tolerance)
            let ahead = try RunAheadBatch(
                DatasetSource(data, preprocessing), batchSize: data.count, layout: layout, loaders: 1,
                workers: Workers(count: 2))
            try ahead.begin(0..<data.count)
            expectClose(
                try Self.loaded(ahead, data.count, data.shape, layout, oneByOne: oneByOne), expected,
                absolute: tolerance)
        }
    }

    @Test("Images are augmented first, and whitened after")
    func augmented() throws {
        let data = try Self.images(8)
        let preprocessing = try Self.plain(data).whitened(.init(.zca), on: data)
        let mirrored = try ImageDataset(
            name: "mirrored", split: "train", shape: data.shape,
            pixels: stride(from: 0, to: data.pixels.count, by: 5).flatMap { row in
                data.pixels[row..<row + 5].reversed()
            }, labels: data.labels, classNames: data.classNames)
        let batch = try RunAheadBatch(
            AugmentedImages(data, Augmentation(parsing: "flip=1"), preprocessing), batchSize: 8,
            layout: .channelsFirst, loaders: 0, workers: Workers(count: 1))
        try batch.begin(0..<8)
        let found = try Self.loaded(batch, 8, data.shape)
        let expected = try Self.loaded(DatasetBatch(mirrored, preprocessing), 8, data.shape)
        // Bytes become numbers by way of 1/255 here, and by a table there.
        expectClose(found, expected, absolute: 20 * 4 * 0x1p-21)
    }

    @Test(
        "Any number of threads fits the same bits; other images are whitened by the fit to the training ones")
    func fit() throws {
        let (train, test) = try (Self.images(), Self.images(50, split: "test"))
        let settings = try Whitening.Settings(.zca)
        let plain = try Self.plain(train)
        let one = try Whitening(settings, of: train, preprocessed: plain, threads: 1)
        #expect(try Whitening(settings, of: train, preprocessed: plain, threads: 3) == one)
        let again = try Whitening(
            one.summary, input: one.input, mean: one.mean, matrix: one.matrix)
        #expect(again == one)
        let preprocessing = try plain.whitened(settings, on: train)
        #expect(preprocessing.whitening == one)
        let values = try Self.loaded(DatasetBatch(test, preprocessing), test.count, test.shape)
        let table = preprocessing.normalization.table(channel: 0)
        let pixels = test.image(at: 7).map { table[Int($0)] }
        let (matrix, mean) = (one.matrix, one.mean)
        var expected: [Float] = []
        for row in 0..<20 {
            var sum = 0.0
            for column in 0..<20 {
                sum += Double(matrix[row * 20 + column]) * (Double(pixels[column]) - Double(mean[column]))
            }
            expected.append(Float(sum))
        }
        expectClose(Array(values[140..<160]), expected, absolute: 20 * 4 * 0x1p-23)
    }

    @Test("Where there are more images than asked for, so many are drawn")
    func sample() throws {
        let data = try Self.images()
        let settings = try Whitening.Settings(.zca, images: 100)
        let part = try Whitening(settings, of: data, preprocessed: Self.plain(data))
        #expect(part.summary.images == 100)
        #expect(try Whitening(settings, of: data, preprocessed: Self.plain(data), seed: 1) != part)
    }

    @Test(
        "Pixels that never change have no direction of variance: epsilon keeps them at 0, and without it they are an error"
    )
    func flat() throws {
        let data = try Self.images(blackCorner: true)
        let whitened = try Self.plain(data).whitened(.init(.zca, epsilon: 0.1), on: data)
        #expect(whitened.whitening?.summary.flatDirections == 1)
        let values = try Self.loaded(DatasetBatch(data, whitened), data.count, data.shape)
        for image in 0..<data.count { #expect(abs(values[20 * image]) < 1e-6) }
        #expect(throws: WhiteningError.flatDirections(1, of: 20, images: 600)) {
            try Self.plain(data).whitened(.init(.zca, epsilon: 0), on: data)
        }
        // Of n images at most n - 1 directions vary.
        let few = try Self.plain(data).whitened(.init(.pca), on: Self.images(5))
        #expect(few.whitening?.summary.flatDirections == 16)
    }

    @Test("What is too large, or for another input, is refused")
    func refusals() throws {
        let large = Shape(height: 64, width: 65, channels: 1)
        let data = try ImageDataset.synthetic(count: 2, shape: large, classes: 2, seed: 1, split: "train")
        #expect(throws: WhiteningError.tooLarge(input: large)) {
            try Self.plain(data).whitened(.init(.zca), on: data)
        }
        #expect("\(WhiteningError.tooLarge(input: large))".contains("4160 numbers, expected at most 4096"))
        let small = try Self.images()
        let whitening = try Whitening(.init(.zca), of: small, preprocessed: Self.plain(small))
        #expect(throws: WhiteningError.otherImages(found: small.shape, expected: large)) {
            try Preprocessing(
                image: large, input: large, normalization: .symmetric(channels: 1), whitening: whitening)
        }
        #expect(throws: WhiteningError.self) {
            try Whitening(whitening.summary, input: small.shape, mean: [], matrix: [])
        }
        var matrix = whitening.matrix
        matrix[3] = .nan
        #expect(throws: WhiteningError.self) {
            try Whitening(whitening.summary, input: small.shape, mean: whitening.mean, matrix: matrix)
        }
    }

    @Test(
        "A text says what is asked for",
        arguments: [
            ("zca", "zca:epsilon=0.1,images=60000"), ("pca:epsilon=0.01", "pca:epsilon=0.01,images=60000"),
            ("zca:images=500,epsilon=0", "zca:epsilon=0.0,images=500"),
        ])
    func text(text: String, full: String) throws {
        let settings = try Whitening.Settings(parsing: text)
        #expect(settings.description == full)
        #expect(try Whitening.Settings(parsing: full) == settings)
    }

    @Test(
        "A text that says nothing usable is refused, saying what would have been right",
        arguments: [
            ("zcs", "did you mean 'zca'?"), ("", "there are zca, pca"),
            ("zca:eps=1", "there are epsilon, images"),
            ("zca:", "found ''"), ("zca:epsilon", "found 'epsilon'"),
            ("zca:epsilon=1,epsilon=2", "given once"),
            ("zca:epsilon=-1", "at least 0, found '-1.0'"), ("zca:epsilon=nan", "at least 0"),
            ("zca:images=1", "at least 2, found '1'"), ("pca:images=many", "a whole number"),
        ])
    func refusedText(text: String, reason: String) {
        #expect {
            try Whitening.Settings(parsing: text)
        } throws: { "\($0)".contains(reason) }
    }
}
