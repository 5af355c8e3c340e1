import ApusData
import ApusKernels
import Foundation
import Testing

@Suite struct NormalizationTests {
    @Test func theTableMapsBytesLinearly() throws {
        let table = Normalization.fashionMNIST.table(channel: 0)
        #expect(table.count == 256)
        #expect(table[0] == Float(-0.2860 / 0.3530))
        #expect(table[255] == Float((1 - 0.2860) / 0.3530))
        #expect(table[51] == Float((51.0 / 255 - 0.2860) / 0.3530))
    }

    @Test func eachChannelHasItsOwnTable() throws {
        let normalization = try Normalization(mean: [0, 1], deviation: [1, 2])
        #expect(normalization.channels == 2)
        #expect(normalization.table(channel: 0)[255] == 1)
        #expect(normalization.table(channel: 1)[0] == -0.5)
        #expect(normalization.table(channel: 1)[255] == 0)
    }

    @Test func symmetricMapsBlackAndWhiteToOneFromZero() {
        let normalization = Normalization.symmetric(channels: 3)
        for channel in 0..<3 {
            #expect(normalization.table(channel: channel)[0] == -1)
            #expect(normalization.table(channel: channel)[255] == 1)
        }
    }

    @Test(
        arguments: [
            ([], []), ([0.5], []), ([0.5, 0.5], [1]), ([0.5], [0]), ([0.5], [-1]), ([.nan], [1]),
            ([0.5], [.infinity]),
        ] as [([Double], [Double])])
    func unusableConstantsAreRefused(mean: [Double], deviation: [Double]) {
        #expect(throws: DataError.self) { try Normalization(mean: mean, deviation: deviation) }
    }

    @Test func codingKeepsTheConstants() throws {
        let normalization = try Normalization(mean: [0.1, 0.2], deviation: [0.3, 0.4])
        let json = try JSONEncoder().encode(normalization)
        #expect(try JSONDecoder().decode(Normalization.self, from: json) == normalization)
    }

    @Test func decodingRefusesUnusableConstants() {
        let json = Data(#"{"mean": [0.5], "deviation": [0]}"#.utf8)
        #expect(throws: DataError.self) { try JSONDecoder().decode(Normalization.self, from: json) }
    }

    @Test func splitsMustAgree() throws {
        func generate(_ classes: Int, _ height: Int, channels: Int = 1) throws -> ImageDataset {
            let shape = Shape(height: height, width: 4, channels: channels)
            return try .synthetic(count: 4, shape: shape, classes: classes, seed: 0, split: "train")
        }
        let splits = try DatasetSplits(
            train: generate(2, 4), test: generate(2, 4), normalization: .mnist)
        #expect(splits.normalization == .mnist)
        #expect(
            throws: DataError.splitMismatch(
                train: "2 classes of images of 4x4x1", test: "3 classes of images of 4x4x1")
        ) { try DatasetSplits(train: generate(2, 4), test: generate(3, 4), normalization: .mnist) }
        #expect(throws: DataError.self) {
            try DatasetSplits(train: generate(2, 4), test: generate(2, 5), normalization: .mnist)
        }
        #expect(throws: DataError.self) {
            let colour = try generate(2, 4, channels: 3)
            _ = try DatasetSplits(train: colour, test: colour, normalization: .mnist)
        }
    }
}
