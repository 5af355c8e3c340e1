import ApusData
import ApusFormats
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite("CIFAR") struct CIFARTests {
    /// A record: its labels, and planes of red, green and blue that count up from `first`.
    private static func record(_ labels: [UInt8], first: UInt8) -> Data {
        Data(labels)
            + Data((0..<3072).map { UInt8(truncatingIfNeeded: Int(first) + $0 / 1024 * 50 + $0 % 1024) })
    }

    /// What becomes of that.
    private static func pixels(first: UInt8) -> [UInt8] {
        (0..<1024).flatMap { pixel in
            (0..<3).map { UInt8(truncatingIfNeeded: Int(first) + $0 * 50 + pixel) }
        }
    }

    private static func ten(in folder: String = "") throws -> ImageTree {
        let tree = try ImageTree()
        for batch in 1...5 {
            try tree.write(
                record([UInt8(batch)], first: UInt8(batch)) + record([9], first: 7),
                to: "\(folder)data_batch_\(batch).bin")
        }
        try tree.write(record([0], first: 200), to: "\(folder)test_batch.bin")
        return tree
    }

    @Test("The planes of ten records become pixels side by side", arguments: ["", "cifar-10-batches-bin/"])
    func ten(folder: String) throws {
        let tree = try Self.ten(in: folder)
        let splits = try DatasetSpecification(parsing: "cifar10=\(tree.path)").load()
        let train = try #require(splits.train as? ImageDataset)
        #expect(train.shape == Shape(height: 32, width: 32, channels: 3))
        #expect(train.labels == [1, 9, 2, 9, 3, 9, 4, 9, 5, 9])
        #expect(train.image(at: 4) == Self.pixels(first: 3))
        #expect(splits.test.label(of: 0) == 0)
        #expect(try splits.test.image(0).samples == Self.pixels(first: 200))
        #expect(train.classNames.first == "airplane" && train.classNames.count == 10)
        let (mean, deviation) = train.pixelStatistics()
        #expect(splits.normalization.mean == mean && splits.normalization.deviation == deviation)
    }

    @Test("Of a hundred classes the fine label counts, under the name the files give")
    func hundred() throws {
        let tree = try ImageTree()
        try tree.write(Self.record([19, 99], first: 1) + Self.record([2, 0], first: 2), to: "train.bin")
        try tree.write(Self.record([1, 50], first: 3), to: "test.bin")
        let specification = try DatasetSpecification(parsing: "cifar100=\(tree.path)")
        let plain = try specification.load()
        #expect((0..<2).map(plain.train.label(of:)) == [99, 0])
        #expect(plain.test.classNames[50] == "class 50")
        #expect(try plain.train.image(1).samples == Self.pixels(first: 2))
        let names = (0..<100).map { "name \($0)" }
        try tree.write(Data((names.joined(separator: "\n") + "\n\n").utf8), to: "fine_label_names.txt")
        #expect(try specification.load().train.classNames == names)
        try tree.write(Data("apple\n".utf8), to: "fine_label_names.txt")
        #expect(
            throws: FormatError(
                file: "\(tree.path)/fine_label_names.txt", offset: 0, found: "1 names", expected: "100")
        ) { try specification.load() }
    }

    @Test("Files that are missing, cut short or mislabelled are named")
    func refusals() throws {
        let tree = try Self.ten()
        let specification = try DatasetSpecification(parsing: "cifar10=\(tree.path)")
        let cut = try tree.write(Self.record([1], first: 0).dropLast(), to: "data_batch_3.bin")
        #expect(throws: DataError.truncated(file: cut.path, found: 3072, expected: 3073)) {
            try specification.load()
        }
        try tree.write(Self.record([10], first: 0), to: "data_batch_3.bin")
        #expect(
            throws: DataError.labelOutOfRange(dataset: "cifar10 (train)", index: 4, label: 10, classes: 10)
        ) { try specification.load() }
        try FileManager.default.removeItem(at: cut)
        let error = #expect(throws: DataError.self) { try specification.load() }
        #expect(error?.description.hasPrefix("no data_batch_3.bin in \(tree.path); fetch") == true)
        let folder = #expect(throws: DataError.self) {
            try DatasetSpecification.cifar100(folder: "/nowhere").load()
        }
        #expect(folder?.description.contains("cifar100=DIR") == true)
    }
}
