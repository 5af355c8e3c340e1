import ApusData
import ApusKernels
import Foundation
import TestSupport
import Testing

@Suite struct ImageDatasetTests {
    private let shape = Shape(height: 1, width: 2, channels: 2)

    private func dataset(
        shape: Shape? = nil, pixels: [UInt8] = Array(1...12), labels: [UInt16] = [2, 0, 1],
        classNames: [String] = ["a", "b", "c"]
    ) throws -> ImageDataset {
        try ImageDataset(
            name: "some", split: "train", shape: shape ?? self.shape, pixels: pixels, labels: labels,
            classNames: classNames)
    }

    @Test func countsFollowTheContents() throws {
        let dataset = try dataset()
        #expect(dataset.count == 3)
        #expect(dataset.classCount == 3)
    }

    @Test func inconsistentContentsAreRefused() {
        #expect(throws: DataError.noImages(dataset: "some (train)")) {
            try dataset(pixels: [], labels: [])
        }
        #expect(throws: DataError.invalidClassCount(dataset: "some (train)", found: 0)) {
            try dataset(classNames: [])
        }
        #expect(throws: DataError.invalidClassCount(dataset: "some (train)", found: 257)) {
            try dataset(classNames: (0..<257).map(String.init))
        }
        #expect(throws: DataError.labelOutOfRange(dataset: "some (train)", index: 1, label: 3, classes: 3)) {
            try dataset(labels: [0, 3, 4])
        }
        for count in [0, 11, 13] {
            #expect(
                throws: DataError.pixelCountMismatch(
                    dataset: "some (train)", found: count, count: 3, shape: "1x2x2")
            ) { try dataset(pixels: Array(repeating: 0, count: count)) }
        }
    }

    @Test(arguments: [(0, 2, 2), (2, 0, 2), (2, 2, 0), (-1, 2, 2), (Int.max, Int.max, 2)])
    func impossibleShapesAreRefused(height: Int, width: Int, channels: Int) {
        let impossible = Shape(height: height, width: width, channels: channels)
        #expect(
            throws: DataError.invalidShape(dataset: "some (train)", shape: "\(height)x\(width)x\(channels)")
        ) { try dataset(shape: impossible) }
    }

    @Test func aPrefixKeepsTheFirstImages() throws {
        let prefix = try dataset().prefix(2)
        #expect(prefix.labels == [2, 0])
        #expect(prefix.pixels == Array(1...8))
        #expect(try dataset().prefix(100).pixels == Array(1...12))
        for count in [0, -1, Int.min] {
            #expect(throws: DataError.noImages(dataset: "some (train)")) { try dataset().prefix(count) }
        }
    }

    @Test func aSubsetKeepsTheOrderAsked() throws {
        let subset = try dataset().subset([2, 0, 2])
        #expect(subset.labels == [1, 2, 1])
        #expect(subset.pixels == [9, 10, 11, 12, 1, 2, 3, 4, 9, 10, 11, 12])
        for index in [-1, 3] {
            #expect(throws: DataError.indexOutOfRange(dataset: "some (train)", index: index, count: 3)) {
                try dataset().subset([0, index])
            }
        }
        #expect(throws: DataError.noImages(dataset: "some (train)")) { try dataset().subset([]) }
    }

    @Test func statisticsAreOfEachChannel() throws {
        let pixels: [UInt8] = [0, 51, 255, 51, 0, 51, 255, 51, 0, 51, 255, 51]
        let (mean, deviation) = try dataset(pixels: pixels).pixelStatistics()
        #expect(mean == [0.5, 0.2])
        #expect(deviation == [0.5, 0])
    }

    @Test func statisticsOfOneChannelAreThoseOfItsPixels() throws {
        let grey = try dataset(
            shape: Shape(height: 2, width: 2, channels: 1),
            pixels: [0, 0, 255, 0, 0, 0, 0, 255, 255, 0, 0, 0])
        let (mean, deviation) = grey.pixelStatistics()
        #expect(mean == [0.25])
        #expect(abs(deviation[0] - 3.0.squareRoot() / 4) < 1e-15)
    }

    @Test func imagesAndLabelsAreReadFromFiles() throws {
        let folder = try TemporaryFolder()
        let images = try folder.write(IDXFile.bytes([2, 2, 3], Array(1...12)), to: "images")
        let labels = try folder.write(IDXFile.gzip(IDXFile.bytes([2], [1, 0])), to: "labels")
        let dataset = try ImageDataset(
            name: "some", split: "test", imagesAt: images, labelsAt: labels, classNames: ["a", "b"])
        #expect(dataset.shape == Shape(height: 2, width: 3, channels: 1))
        #expect(dataset.pixels == Array(1...12))
        #expect(dataset.labels == [1, 0])
        #expect(dataset.split == "test")
    }

    @Test func filesThatDoNotBelongTogetherAreRefused() throws {
        let folder = try TemporaryFolder()
        let images = try folder.write(IDXFile.bytes([2, 2, 3], Array(1...12)), to: "images")
        func read(labels: [UInt8]) throws {
            let file = try folder.write(IDXFile.bytes([labels.count], labels), to: "labels")
            _ = try ImageDataset(
                name: "some", split: "test", imagesAt: images, labelsAt: file, classNames: ["a", "b"])
        }
        #expect(
            throws: DataError.countMismatch(
                imageFile: images.path, images: 2,
                labelFile: folder.url.appendingPathComponent("labels").path, labels: 3)
        ) { try read(labels: [0, 1, 0]) }
        #expect(throws: DataError.labelOutOfRange(dataset: "some (test)", index: 1, label: 2, classes: 2)) {
            try read(labels: [1, 2])
        }
    }

    @Test func filesWithoutImagesAreRefused() throws {
        let folder = try TemporaryFolder()
        let labels = try folder.write(IDXFile.bytes([0], []), to: "labels")
        let images = try folder.write(IDXFile.bytes([0, 28, 28], []), to: "images")
        #expect(throws: DataError.noImages(dataset: "some (test)")) {
            try ImageDataset(
                name: "some", split: "test", imagesAt: images, labelsAt: labels, classNames: ["a"])
        }
    }
}
