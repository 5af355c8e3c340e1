import ApusData
import ApusFormats
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite struct DatasetSpecificationTests {
    @Test(
        arguments: [
            ("fashion-mnist", .fashionMNIST(folder: "/usr/share/datasets/fashion-mnist")),
            ("fashion-mnist=/a/b", .fashionMNIST(folder: "/a/b")),
            ("mnist=a=b", .mnist(folder: FileManager.default.currentDirectoryPath + "/a=b")),
            ("mnist=/a/./b/", .mnist(folder: "/a/b")),
            ("mnist=~/digits", .mnist(folder: NSHomeDirectory() + "/digits")),
            ("cifar10=/c", .cifar10(folder: "/c")),
            ("cifar100=/c/", .cifar100(folder: "/c")),
            ("folder=/a,b", .folder("/a,b")),
            ("folder=/a/,test=0.1", .folder("/a", testFraction: 0.1)),
            ("folder=/a,seed=7", .folder("/a", seed: 7)),
            ("folder=/a,c=d,seed=7,test=0.5", .folder("/a,c=d", testFraction: 0.5, seed: 7)),
            ("synthetic", .synthetic(count: 60_000)),
            ("synthetic=120", .synthetic(count: 120)),
        ] as [(String, DatasetSpecification)])
    func argumentsAreUnderstood(argument: String, specification: DatasetSpecification) throws {
        let parsed = try DatasetSpecification(parsing: argument)
        #expect(parsed == specification)
        #expect(try DatasetSpecification(parsing: parsed.description) == parsed)
    }

    @Test(arguments: [("fashion_mnist", "fashion-mnist"), ("Mnist=x", "mnist"), ("imagenet", nil), ("", nil)])
    func unknownNamesAreReportedWithTheNearestKnown(argument: String, suggestion: String?) {
        let name = String(argument.prefix { $0 != "=" })
        let expected = DataError.unknownDataset(
            name: name, known: ["fashion-mnist", "mnist", "cifar10", "cifar100", "folder", "synthetic"],
            suggestion: suggestion)
        #expect(throws: expected) { try DatasetSpecification(parsing: argument) }
        #expect(expected.description.contains("did you mean") == (suggestion != nil))
    }

    @Test(arguments: [
        "mnist", "mnist=", "fashion-mnist=", "synthetic=", "synthetic=0", "synthetic=-1", "synthetic=many",
        "cifar10", "cifar100", "folder", "folder=,test=0.1", "folder=/a,test=0", "folder=/a,test=1",
        "folder=/a,test=x", "folder=/a,seed=-1",
        "synthetic=1000001", "synthetic=99999999999999999999",
    ])
    func unusableValuesAreReported(argument: String) {
        let error = #expect(throws: DataError.self) { try DatasetSpecification(parsing: argument) }
        guard case .invalidArgument(argument, _) = error else {
            Issue.record("\(String(describing: error)) does not name the argument")
            return
        }
        if argument == "mnist" { #expect(error?.description.contains("https://") == true) }
    }

    @Test func aMissingFolderSaysHowToGetTheDataset() {
        let fashion = #expect(throws: DataError.self) {
            try DatasetSpecification.fashionMNIST(folder: "/nowhere").load()
        }
        #expect(fashion?.description.hasPrefix("no folder /nowhere; ") == true)
        #expect(fashion?.description.contains("apt-get install dataset-fashion-mnist") == true)
        #expect(fashion?.description.contains("fashion-mnist=DIR") == true)
        let digits = #expect(throws: DataError.self) {
            try DatasetSpecification.mnist(folder: "/nowhere").load()
        }
        #expect(digits?.description.contains("mnist=DIR") == true)
        let file = #expect(throws: DataError.self) {
            try DatasetSpecification.mnist(folder: "/dev/null").load()
        }
        #expect(file?.description.hasPrefix("/dev/null is not a folder; ") == true)
    }

    @Test(arguments: ["-idx", ".idx"], [true, false])
    func filesAreFoundUnderEitherSpelling(separator: String, isCompressed: Bool) throws {
        let folder = try TemporaryFolder()
        func write(_ data: Data, _ stem: String, rank: Int) throws {
            let name = "\(stem)\(separator)\(rank)-ubyte"
            try folder.write(isCompressed ? IDXFile.gzip(data) : data, to: isCompressed ? name + ".gz" : name)
        }
        try write(IDXFile.bytes([2, 1, 3], Array(1...6)), "train-images", rank: 3)
        try write(IDXFile.bytes([2], [9, 0]), "train-labels", rank: 1)
        try write(IDXFile.bytes([1, 1, 3], [7, 8, 9]), "t10k-images", rank: 3)
        try write(IDXFile.bytes([1], [4]), "t10k-labels", rank: 1)

        let splits = try DatasetSpecification(parsing: "mnist=\(folder.url.path)").load()
        let train = try #require(splits.train as? ImageDataset)
        #expect(train.labels == [9, 0])
        #expect(train.pixels == Array(1...6))
        #expect(splits.test.label(of: 0) == 4)
        #expect(splits.test.imageSize == ImageSize(height: 1, width: 3))
        #expect(splits.train.classNames == (0...9).map(String.init))
        #expect(splits.normalization == .mnist)
        #expect((splits.train.split, splits.test.split) == ("train", "test"))
    }

    @Test func aMissingFileIsNamed() throws {
        let folder = try TemporaryFolder()
        try folder.write(IDXFile.bytes([1, 1, 3], [7, 8, 9]), to: "train-images-idx3-ubyte")
        let error = #expect(throws: DataError.self) {
            try DatasetSpecification.mnist(folder: folder.url.path).load()
        }
        #expect(
            error?.description.hasPrefix(
                "no train-labels-idx1-ubyte or train-labels-idx1-ubyte.gz or train-labels.idx1-ubyte "
                    + "or train-labels.idx1-ubyte.gz in \(folder.url.path); ") == true)
    }

    @Test func syntheticSplitsAreReadyToTrainOn() throws {
        let splits = try DatasetSpecification.synthetic(count: 601).load(seed: 3)
        #expect((splits.train.count, splits.test.count) == (601, 101))
        let (mean, deviation) = try #require(splits.train as? ImageDataset).pixelStatistics()
        #expect(splits.normalization.mean == mean)
        #expect(splits.normalization.deviation == deviation)
        #expect(try DatasetSpecification.synthetic(count: 1).load().test.count == 1)
    }

    private static let hasFashionMNIST = FileManager.default.fileExists(
        atPath: DatasetSpecification.debianFashionMNIST)

    @Test(.enabled(if: hasFashionMNIST, "Debian's dataset-fashion-mnist is not installed"))
    func fashionMNISTIsAsPublished() throws {
        let splits = try DatasetSpecification(parsing: "fashion-mnist").load()
        for (split, perClass) in [(splits.train, 6000), (splits.test, 1000)] {
            #expect(split.count == 10 * perClass)
            #expect(split.imageSize == ImageSize(28) && split.channels == 1)
            var counts = [Int](repeating: 0, count: split.classCount)
            for image in 0..<split.count { counts[split.label(of: image)] += 1 }
            #expect(counts == Array(repeating: perClass, count: 10))
        }
        let (mean, deviation) = try #require(splits.train as? ImageDataset).pixelStatistics()
        #expect(abs(mean[0] - 0.2860) < 0.00005)
        #expect(abs(deviation[0] - 0.3530) < 0.00005)
        #expect(splits.normalization == .fashionMNIST)
        // The first training image shows an ankle boot.
        #expect(splits.train.classNames[splits.train.label(of: 0)] == "Ankle boot")
    }
}
