import ApusData
import ApusFormats
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite("Any dataset as a network sees it") struct DatasetSourceTests {
    private static func normalization(_ channels: Int) throws -> Normalization {
        try Normalization(
            mean: [0.4, 0.5, 0.6].suffix(channels), deviation: [0.2, 0.3, 0.25].suffix(channels))
    }

    /// The values of the images, `[count, channels, height, width]`, as `load` writes them.
    private static func values(
        _ count: Int, _ shape: Shape, _ load: (_ image: Int, Tensor) throws -> Void
    ) throws -> [Float] {
        let memory = try FloatBuffer(count: count * shape.count)
        let tensor = Tensor(memory.view, batch: count, shape: shape, layout: .channelsLast)
        return try withExtendedLifetime(memory) {
            for image in 0..<count { try load(image, tensor) }
            return tensor.channelsFirstArray
        }
    }

    @Test("Images in memory become what a batch of them holds, resized or not", arguments: [1, 3], [1, 3])
    func sameAsBatch(channels: Int, inputChannels: Int) throws {
        guard channels == 1 || channels == inputChannels else { return }
        let shape = Shape(height: 9, width: 7, channels: channels)
        let data = try ImageDataset.synthetic(count: 5, shape: shape, classes: 2, seed: 1, split: "train")
        for (height, width) in [(9, 7), (5, 12)] {
            let input = Shape(height: height, width: width, channels: inputChannels)
            let preprocessing = try Preprocessing(
                image: shape, input: input, normalization: Self.normalization(channels))
            let (source, batch) = (
                try DatasetSource(data, preprocessing), try DatasetBatch(data, preprocessing)
            )
            let expected = try Self.values(5, input) { batch.load($0, into: $1, at: $0) }
            let found = try Self.values(5, input) { image, tensor in
                try source.load(image, seed: 0, epoch: 0, into: tensor, at: image)
            }
            #expect(found == expected)
            #expect(source.shape == input && source.count == 5 && source.classCount == 2)
            #expect((0..<5).map(source.label(of:)) == (0..<5).map(data.label(of:)))
        }
    }

    @Test("Of images that differ in size, each is resized by itself", arguments: [1, 3])
    func differingSizes(channels: Int) throws {
        let sizes = [(6, 5), (9, 12), (4, 4), (40, 3)]
        let tree = try ImageTree()
        let images = try sizes.enumerated().map { index, size in
            try tree.write(
                image: "train/a/\(index).png", height: size.0, width: size.1, channels: channels,
                seed: UInt64(index))
        }
        try tree.write(image: "val/a/0.png", channels: channels, seed: 9)
        let (train, test) = try ImageFolder.splits(at: tree.path)
        let splits = try DatasetSplits(train: train, test: test, normalization: Self.normalization(channels))
        let preprocessing = try Preprocessing(for: splits, size: ImageSize(height: 6, width: 5), channels: 3)
        let input = Shape(height: 6, width: 5, channels: 3)
        #expect(preprocessing.input == input)
        let source = try DatasetSource(train, preprocessing)
        let found = try Self.values(4, input) { image, tensor in
            try source.load(image, seed: 0, epoch: 0, into: tensor, at: image)
        }
        // Each in a dataset of its own, whose images are of its extent.
        let expected = try Self.values(4, input) { index, tensor in
            let image = images[index]
            let shape = Shape(height: image.height, width: image.width, channels: channels)
            let alone = try ImageDataset(
                name: "alone", split: "train", shape: shape, pixels: image.samples, labels: [0],
                classNames: ["a"])
            let batch = try DatasetBatch(
                alone,
                Preprocessing(image: shape, input: input, normalization: Self.normalization(channels)))
            batch.load(0, into: tensor, at: index)
        }
        #expect(found == expected)
        #expect(throws: DataError.noImageSize(dataset: "\(train.name) (train)")) {
            try Preprocessing(for: splits, channels: 3)
        }
    }

    @Test("A batch loaded ahead holds the images in their order until they are shuffled")
    func order() throws {
        let shape = Shape(height: 3, width: 3, channels: 1)
        let data = try ImageDataset.synthetic(count: 10, shape: shape, classes: 10, seed: 1, split: "test")
        let source = try DatasetSource(data, Preprocessing(shape, normalization: .mnist))
        let batch = try RunAheadBatch(
            source, batchSize: 4, layout: .channelsLast, loaders: 1, workers: Workers(count: 2))
        for _ in 0..<2 {
            var labels: [Int] = []
            for places in [0..<4, 4..<8, 8..<10] {
                try batch.begin(places)
                labels += places.indices.map { batch.label(at: $0 - places.lowerBound) }
            }
            #expect(labels == Array(0..<10))
        }
        batch.shuffle(seed: 1, epoch: 0)
        try batch.begin(0..<4)
        #expect((0..<4).map(batch.label(at:)) != [0, 1, 2, 3])
    }

    @Test("Images that are neither grey nor coloured are refused")
    func channels() throws {
        let shape = Shape(height: 3, width: 3, channels: 2)
        let data = try ImageDataset.synthetic(count: 1, shape: shape, classes: 1, seed: 1, split: "test")
        let preprocessing = try Preprocessing(shape, normalization: Self.normalization(2))
        #expect(throws: DataError.self) { try DatasetSource(data, preprocessing) }
    }
}
