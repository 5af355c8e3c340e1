import ApusData
import ApusKernels
import Testing

@Suite struct SyntheticDatasetTests {
    private func generate(
        count: Int = 500, shape: Shape = Shape(height: 28, width: 28, channels: 1), classes: Int = 10,
        seed: UInt64 = 1, split: String = "train"
    ) throws -> ImageDataset {
        try .synthetic(count: count, shape: shape, classes: classes, seed: seed, split: split)
    }

    @Test func oneSeedGivesOneDataset() throws {
        let first = try generate()
        #expect(try generate().pixels == first.pixels)
        #expect(try generate(seed: 2).pixels != first.pixels)
        #expect(try generate(split: "test").pixels != first.pixels)
    }

    /// The bytes are part of the contract: whoever compares runs by seed relies on them.
    @Test func theBytesAreTheSameOnEveryMachine() throws {
        let dataset = try generate(count: 20, shape: Shape(height: 5, width: 7, channels: 3))
        #expect(Array(dataset.pixels.prefix(8)) == [110, 181, 60, 215, 136, 36, 179, 85])
    }

    @Test func aLargerDatasetBeginsWithTheSmaller() throws {
        let small = try generate(count: 30)
        let large = try generate(count: 60)
        #expect(try large.prefix(30).pixels == small.pixels)
        #expect(try large.prefix(30).labels == small.labels)
    }

    @Test func classesAreBalanced() throws {
        let dataset = try generate(count: 35, classes: 7)
        for label in 0..<7 {
            #expect(dataset.labels.count { Int($0) == label } == 5)
        }
    }

    @Test(arguments: [
        Shape(height: 1, width: 1, channels: 1), Shape(height: 3, width: 50, channels: 2),
        Shape(height: 32, width: 32, channels: 3), Shape(height: 1, width: 1, channels: 120),
    ])
    func anyShapeCanBeGenerated(shape: Shape) throws {
        let dataset = try generate(count: 3, shape: shape, classes: 2)
        #expect(dataset.shape == shape)
        #expect(dataset.pixels.count == 3 * shape.count)
    }

    @Test func impossibleDatasetsAreRefused() {
        #expect(throws: DataError.noImages(dataset: "synthetic (train)")) { try generate(count: 0) }
        #expect(throws: DataError.invalidClassCount(dataset: "synthetic (train)", found: 0)) {
            try generate(classes: 0)
        }
        #expect(throws: DataError.invalidClassCount(dataset: "synthetic (train)", found: 65_537)) {
            try generate(classes: 65_537)
        }
        #expect(throws: DataError.invalidShape(dataset: "synthetic (train)", shape: "0x1x1")) {
            try generate(shape: Shape(height: 0, width: 1, channels: 1))
        }
    }

    /// The mean image of each training class is a classifier good enough to show that the splits share their
    /// patterns, and poor enough to show that images vary.
    @Test func whatTrainingShowsHoldsForTheTestSplit() throws {
        let train = try generate(count: 1000)
        let test = try generate(count: 500, split: "test")
        let size = train.shape.count
        var means = [[Double]](repeating: Array(repeating: 0, count: size), count: 10)
        for index in 0..<train.count {
            for pixel in 0..<size {
                means[Int(train.labels[index])][pixel] += Double(train.pixels[index * size + pixel]) / 100
            }
        }
        let correct = (0..<test.count).count { index in
            let distances = means.map { mean in
                (0..<size).reduce(0.0) { sum, pixel in
                    let difference = Double(test.pixels[index * size + pixel]) - mean[pixel]
                    return sum + difference * difference
                }
            }
            return distances.firstIndex(of: distances.min() ?? 0) == Int(test.labels[index])
        }
        #expect(correct > 300)
        #expect(
            Set((0..<10).map { Array(train.pixels[($0 * 10 * size)..<(($0 * 10 + 1) * size)]) }).count == 10)
    }
}
