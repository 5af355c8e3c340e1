import ApusData
import ApusFormats
import Foundation
import TestSupport
import Testing

@Suite("Folders of images") struct ImageFolderTests {
    /// A folder with so many images of each class.
    private static func tree(_ counts: [String: Int], in folder: String = "") throws -> ImageTree {
        let tree = try ImageTree()
        for (name, count) in counts {
            for image in 0..<count {
                try tree.write(image: "\(folder)\(name)/\(image).png", seed: UInt64(image))
            }
        }
        return tree
    }

    /// The paths of a dataset's images, from its folder on.
    private static func paths(_ data: ImageFolder, in tree: ImageTree) -> [String] {
        (0..<data.count).map { String(data.path(of: $0).dropFirst(tree.path.count + 1)) }
    }

    @Test(
        "Folders train and val hold the splits, their folders the classes, in order",
        arguments: ["val", "test"])
    func folders(test: String) throws {
        let tree = try ImageTree()
        let expected = try tree.write(image: "train/b/1.png", seed: 1)
        for name in ["train/b/0.PNG", "train/a/x.png", "\(test)/b/y.png", "\(test)/b/z.png"] {
            try tree.write(image: name, seed: 2)
        }
        for name in [
            "train/.hidden.png", "train/a/.x.png", "train/.git/x.png", "train/a/notes.txt", "train/x.png",
        ] {
            try tree.write(Data("no image".utf8), to: name)
        }
        let (train, tested) = try ImageFolder.splits(at: tree.path)
        #expect(train.classNames == ["a", "b"] && tested.classNames == ["a", "b"])
        #expect(Self.paths(train, in: tree) == ["train/a/x.png", "train/b/0.PNG", "train/b/1.png"])
        #expect((0..<3).map(train.label(of:)) == [0, 1, 1])
        #expect(Self.paths(tested, in: tree) == ["\(test)/b/y.png", "\(test)/b/z.png"])
        #expect((0..<2).map(tested.label(of:)) == [1, 1])
        #expect((train.split, tested.split) == ("train", test))
        #expect(train.name == URL(filePath: tree.path).lastPathComponent)
        #expect(try train.image(2) == expected)
        #expect(train.skipped.isEmpty && tested.skipped.isEmpty)
    }

    @Test(
        "Without a folder to test on, a part of each class is, by seed and names", arguments: ["", "train/"])
    func split(folder: String) throws {
        let counts = ["a": 10, "b": 25, "c": 2, "d": 1]
        let tree = try Self.tree(counts, in: folder)
        func tested(_ seed: UInt64, _ fraction: Double? = nil, in tree: ImageTree) throws -> [String] {
            let (train, test) = try ImageFolder.splits(at: tree.path, testFraction: fraction, seed: seed)
            let (trained, tested) = (Self.paths(train, in: tree), Self.paths(test, in: tree))
            #expect(Set(trained + tested).count == 38 && train.count + test.count == 38)
            return tested
        }
        let first = try tested(1, in: tree)
        func count(_ name: String, _ paths: [String]) -> Int {
            paths.count { $0.hasPrefix("\(folder)\(name)/") }
        }
        #expect(["a", "b", "c", "d"].map { count($0, first) } == [2, 5, 1, 0])
        #expect(try ["a", "b", "c", "d"].map { count($0, try tested(1, 0.5, in: tree)) } == [5, 13, 1, 0])
        #expect(try ["a", "b", "c", "d"].map { count($0, try tested(1, 0.999, in: tree)) } == [9, 24, 1, 0])
        #expect(try tested(1, in: tree) == first)
        #expect(try tested(2, in: tree) != first)
        #expect(try tested(1, in: try Self.tree(counts, in: folder)) == first)
    }

    @Test("A file more changes the split of hardly any other")
    func growth() throws {
        let tree = try Self.tree(["a": 40])
        func tested() throws -> Set<String> {
            let test = try ImageFolder.splits(at: tree.path, seed: 3).test
            return Set(Self.paths(test, in: tree))
        }
        let before = try tested()
        #expect(before.count == 8)
        for image in 40..<60 { try tree.write(image: "a/\(image).png", seed: 0) }
        let after = try tested()
        #expect(after.count == 12)
        // Of 20 new files some come before old ones, but those that stay keep their order.
        #expect(before.intersection(after).count >= 4)
        try tree.write(image: "a/60.png", seed: 0)
        #expect(try after.symmetricDifference(tested()).count <= 2)
    }

    @Test("Grey stays grey and one size is told, unless another image differs, in either split")
    func extents() throws {
        let tree = try ImageTree()
        try tree.write(image: "train/a/0.png", seed: 1)
        try tree.write(image: "val/a/0.png", seed: 2)
        var (train, test) = try ImageFolder.splits(at: tree.path)
        #expect((train.channels, test.channels) == (1, 1))
        #expect(train.imageSize == ImageSize(height: 6, width: 5) && test.imageSize == train.imageSize)

        let grey = try train.image(0)
        try tree.write(image: "val/a/1.png", height: 7, width: 5, channels: 3, seed: 3)
        (train, test) = try ImageFolder.splits(at: tree.path)
        #expect((train.channels, test.channels) == (3, 3))
        #expect(train.imageSize == nil && test.imageSize == nil)
        #expect(try train.image(0) == grey.converted(toChannels: 3))
        #expect(try test.image(1).channels == 3)
    }

    @Test("A file that is no whole image is left out, and named; strictly it is an error")
    func damaged() throws {
        let tree = try Self.tree(["a": 3, "b": 2])
        let whole = try PixelImage.random(height: 6, width: 5, channels: 1, seed: 1).png()
        let bad = [
            ("a/cut.png", whole.dropLast(20)), ("a/empty.jpg", Data()),
            ("b/text.jpeg", Data("no image".utf8)),
        ]
        for (name, bytes) in bad { try tree.write(bytes, to: name) }
        let (train, test) = try ImageFolder.splits(at: tree.path)
        #expect(train.count + test.count == 5)
        #expect(train.skipped.map(\.path) == bad.map { "\(tree.path)/\($0.0)" })
        #expect(train.skipped.allSatisfy { $0.error is FormatError })
        #expect(
            train.skipped[1].description.hasPrefix("\(tree.path)/a/empty.jpg, byte 0: found an empty file"))
        let error = #expect(throws: FormatError.self) {
            try ImageFolder.splits(at: tree.path, isStrict: true)
        }
        #expect(error?.file == "\(tree.path)/a/cut.png")
    }

    @Test("What damage hides behind a header is an error when the image is wanted, which names the file")
    func hiddenDamage() throws {
        let tree = try Self.tree(["a": 2])
        var bytes = try PixelImage.random(height: 20, width: 20, channels: 1, seed: 1).png()
        bytes[bytes.count - 30] ^= 0xFF
        try tree.write(bytes, to: "a/9.png")
        let (train, test) = try ImageFolder.splits(at: tree.path)
        func holdsDamage(_ data: ImageFolder) -> Bool {
            (0..<data.count).contains { data.path(of: $0).hasSuffix("9.png") }
        }
        let images = holdsDamage(train) ? train : test
        let error = #expect(throws: FormatError.self) {
            for index in 0..<images.count { _ = try images.image(index) }
        }
        #expect(error?.file == "\(tree.path)/a/9.png")
        #expect(throws: FormatError.self) { try Normalization(of: images) }
    }

    @Test("A folder that is not as it should be is an error that says why")
    func refusals() throws {
        #expect(throws: DataError.self) { try ImageFolder.splits(at: "/nowhere") }
        let tree = try ImageTree()
        try tree.write(image: "x.png", seed: 1)
        #expect(throws: DataError.noClasses(folder: tree.path)) { try ImageFolder.splits(at: tree.path) }
        try tree.write(Data(), to: "a/notes.txt")
        #expect(throws: DataError.noImages(dataset: "\(tree.path)/a")) {
            try ImageFolder.splits(at: tree.path)
        }

        let pair = try Self.tree(["train/a": 1, "val/b": 1])
        #expect(throws: DataError.unknownClass(folder: "\(pair.path)/val", name: "b")) {
            try ImageFolder.splits(at: pair.path)
        }
        let error = #expect(throws: DataError.self) {
            try ImageFolder.splits(at: pair.path, testFraction: 0.1)
        }
        #expect(error?.description.contains("there is a folder val") == true)
        // A single image cannot be on both sides.
        let name = URL(filePath: pair.path).lastPathComponent
        try FileManager.default.removeItem(atPath: "\(pair.path)/val")
        #expect(throws: DataError.noImages(dataset: "\(name) (test)")) {
            try ImageFolder.splits(at: pair.path)
        }
    }

    @Test("Statistics are those of the images, each with the same weight, or of a sample that a seed draws")
    func statistics() throws {
        let tree = try ImageTree()
        let black = PixelImage(height: 2, width: 2, channels: 1, samples: [0, 0, 0, 0])
        let mixed = PixelImage(height: 1, width: 2, channels: 1, samples: [0, 255])
        for index in 0..<4 { try tree.write((index == 0 ? mixed : black).png(), to: "train/a/\(index).png") }
        try tree.write(mixed.png(), to: "val/a/0.png")
        let specification = try DatasetSpecification(parsing: "folder=\(tree.path)")
        let splits = try specification.load()
        // One of eight halves of an image is white.
        #expect(splits.normalization.mean == [0.125])
        #expect(abs(splits.normalization.deviation[0] - (0.125 * 0.875).squareRoot()) < 1e-12)
        // Two images of four: both black, whose deviation is none, or one of them.
        let samples = (0..<20).map { try? Normalization(of: splits.train, sample: 2, seed: $0).mean[0] }
        #expect(Set(samples) == [nil, 0.25])
        #expect(samples == (0..<20).map { try? Normalization(of: splits.train, sample: 2, seed: $0).mean[0] })
        let given = try Normalization(mean: [0.25], deviation: [0.5])
        #expect(try specification.load(normalization: given).normalization == given)
        #expect(try specification.loadTest().count == 1)
    }
}
