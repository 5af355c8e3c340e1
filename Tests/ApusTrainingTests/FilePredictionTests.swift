import ApusData
import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

@Suite("Predictions of files") struct FilePredictionTests {
    /// PNG files of many sizes, grey and in colour.
    private func files(_ tree: ImageTree, count: Int) throws -> [URL] {
        try (0..<count).map { index in
            let image = PixelImage.random(
                height: 5 + index % 9, width: 4 + index % 7, channels: index % 3 == 0 ? 3 : 1,
                seed: UInt64(index))
            return try tree.write(image.png(), to: "\(index).png")
        }
    }

    /// Softmax of sums of 64 products, which a batch may add in another order.
    private let rounding = 2 * 64 * 0x1p-24

    @Test("are those of the decoded images, in order, in batches of any size", arguments: [1, 7, 64])
    func sameAsDecoded(batchSize: Int) throws {
        let tree = try ImageTree()
        let files = try files(tree, count: 40)
        let classifier = try SmallTask.classifier(SmallTask.data())
        var seen: [URL] = []
        var outcomes: [Classifier.Prediction] = []
        try classifier.predict(files: files, batchSize: batchSize, threads: 2) { file, outcome in
            seen.append(file)
            outcomes.append(try outcome.get())
        }
        #expect(seen == files)
        let expected = try files.map { try classifier.predict(PixelImage(contentsOf: $0)) }
        #expect(outcomes.map(\.classIndex) == expected.map(\.classIndex))
        expectClose(
            outcomes.flatMap(\.probabilities), expected.flatMap(\.probabilities), absolute: rounding)
    }

    @Test("are errors where the network's outputs are not finite")
    func notFinite() throws {
        let tree = try ImageTree()
        let classifier = try SmallTask.classifier(SmallTask.data())
        classifier.network.changeParameters { $0.fill(3e38) }
        for outcome in try classifier.predict(files: files(tree, count: 3)) {
            #expect(throws: ClassifierError.notFinite) { try outcome.get() }
        }
    }

    @Test("go on past a file that is no image, whose error names it")
    func badFiles() throws {
        let tree = try ImageTree()
        var files = try files(tree, count: 9)
        let classifier = try SmallTask.classifier(SmallTask.data())
        let good = try classifier.predict(files: files).map { try $0.get() }
        let bad = try tree.write(Data("no image".utf8), to: "bad.png")
        let missing = bad.deletingLastPathComponent().appending(path: "missing.jpg")
        files.insert(bad, at: 0)
        files.insert(missing, at: 5)
        let outcomes = try classifier.predict(files: files)
        #expect(outcomes.count == 11)
        let found = outcomes.compactMap { try? $0.get() }
        #expect(found.map(\.classIndex) == good.map(\.classIndex))
        #expect(throws: FormatError.self) { try outcomes[0].get() }
        let error = #expect(throws: FileError.self) { try outcomes[5].get() }
        #expect(error?.path == missing.path)
    }

    @Test("end where the caller throws, and there are none of no files")
    func ending() throws {
        struct Enough: Error {}
        let tree = try ImageTree()
        let files = try files(tree, count: 9)
        let classifier = try SmallTask.classifier(SmallTask.data())
        var count = 0
        #expect(throws: Enough.self) {
            try classifier.predict(files: files, batchSize: 2) { _, _ in
                count += 1
                if count == 3 { throw Enough() }
            }
        }
        #expect(count == 3)
        #expect(try classifier.predict(files: []).isEmpty)
    }

    @Test("A dataset in memory is predicted as its images are")
    func dataset() throws {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        var classes: [Int] = []
        try classifier.predict(data.test) { index, outcome in
            #expect(index == classes.count)
            classes.append(try outcome.get().classIndex)
        }
        let expected = try (0..<data.test.count).map {
            try classifier.predict(data.test.image($0)).classIndex
        }
        #expect(classes == expected)
    }

    @Test("The best classes come in the order of their probabilities")
    func best() throws {
        let data = try SmallTask.data()
        let prediction = try SmallTask.classifier(data).predict(data.test.image(0))
        let order = prediction.best(9)
        #expect(order.sorted() == Array(0..<5) && order.first == prediction.classIndex)
        let probabilities = order.map { prediction.probabilities[$0] }
        #expect(probabilities == probabilities.sorted(by: >))
        #expect(prediction.best(2) == Array(order.prefix(2)))
    }
}
