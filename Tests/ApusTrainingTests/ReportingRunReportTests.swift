import ApusData
import ApusFormats
import ApusKernels
import ApusTraining
import Foundation
import FoundationXML
import TestSupport
import Testing

@Suite("A run's report")
struct ReportingRunReportTests {
    /// A class named as unkindly as can be.
    private static let names = ["a <b> & \"c\"", "'d'", "e\u{7}f", "g", "h"]

    private func trained(epochs: Int = 3) throws -> Trainer {
        let plain = try SmallTask.data()
        func renamed(_ data: any Dataset) throws -> ImageDataset {
            let data = try #require(data as? ImageDataset)
            return try ImageDataset(
                name: data.name, split: data.split, shape: data.shape, pixels: data.pixels,
                labels: data.labels, classNames: Self.names)
        }
        let data = try DatasetSplits(
            train: renamed(plain.train), test: renamed(plain.test), normalization: plain.normalization)
        let trainer = try SmallTask.trainer(
            data, TrainingConfiguration(epochs: epochs, batchSize: 32, optimizer: SmallTask.optimizers[1]))
        try trainer.fit()
        return trainer
    }

    private static let description = RunDescription(
        title: "Photos & <more>", facts: [.init("Settings", [.init("rate", "\"0.1\" <fast>")])],
        command: "apus train --data 'folder=a&b'")

    /// The page as an XML document: HTML's void elements closed.
    private func document(_ html: String) throws -> XMLDocument {
        var text = html.replacingOccurrences(of: "<!DOCTYPE html>\n", with: "")
        text = text.replacing(#/<(meta|img)([^>]*)>/#) { "<\($0.output.1)\($0.output.2)/>" }
        text = text.replacing(#/<style>[^<]*<\/style>/#, with: "")
        return try XMLDocument(xmlString: text)
    }

    private func texts(_ path: String, of html: String) throws -> [String] {
        try document(html).nodes(forXPath: path).map { $0.stringValue ?? "" }
    }

    @Test("Every element is closed, and every text escaped, whatever classes and settings are called")
    func escaping() throws {
        let html = try trained().report(Self.description).html
        #expect(try texts("//h1", of: html) == ["Photos & <more>"])
        #expect(try texts("//pre", of: html) == ["apus train --data 'folder=a&b'"])
        #expect(try texts("//dl/dd[. = '\"0.1\" <fast>']", of: html).count == 1)
        let classes = try texts("//table[@class='matrix']/tbody/tr/th", of: html)
        #expect(classes == ["a <b> & \"c\"", "'d'", "e\u{FFFD}f", "g", "h"])
        #expect(!html.contains("<b>&") && !html.contains("\u{7}"))
    }

    @Test("The numbers are those of the metrics")
    func numbers() throws {
        let trainer = try trained()
        let html = try trainer.report(Self.description).html
        let report = try #require(trainer.lastTest?.report)
        #expect(report.accuracy == trainer.history.last?.testAccuracy)

        let cells = try texts("//table[@class='matrix']/tbody/tr/td", of: html)
        #expect(cells == report.confusion.joined().map { $0 == 0 ? "" : "\($0)" })
        let scores = try texts("//section[h2='Classes']//tbody/tr[count(td)=4]/td", of: html)
        #expect(
            scores
                == report.perClass.flatMap { scores in
                    [scores.precision, scores.recall, scores.f1].map { String(format: "%.4f", $0) }
                        + ["\(scores.support)"]
                })
        let accuracy = String(format: "%.4f", report.accuracy)
        #expect(try texts("//div[dt='Test accuracy']/dd/b", of: html) == [accuracy])
        let losses = try texts("//details//tbody/tr/td[1]", of: html)
        #expect(losses == trainer.history.map { String(format: "%.4f", $0.trainLoss) })
    }

    @Test("Nothing is fetched: no script, no link, no address but of data in the page")
    func selfContained() throws {
        let html = try trained().report(Self.description).html
        for forbidden in ["<script", "<link", "http:", "https:", "url(", "@import", "//"] {
            let found = html.replacing(#/base64,[A-Za-z0-9+\/=]*/#, with: "").contains(forbidden)
            #expect(!found, "\(forbidden)")
        }
        let sources = try document(html).nodes(forXPath: "//img/@src").compactMap(\.stringValue)
        #expect(!sources.isEmpty && sources.allSatisfy { $0.hasPrefix("data:image/png;base64,") })
    }

    @Test("Pictures say what they show, and tables have headers")
    func accessible() throws {
        let page = try document(try trained().report(Self.description).html)
        func count(_ path: String) throws -> Int { try page.nodes(forXPath: path).count }
        #expect(try count("//img[not(@alt)]") == 0)
        #expect(try count("//svg") == 4)
        #expect(try count("//svg[not(title)]") == 0)
        #expect(try count("//table[not(thead//th[@scope='col'])]") == 0)
        #expect(try count("//tbody/tr[not(th[@scope='row'])]") == 0)
    }

    @Test("The worst mistakes are there as pictures, and the first filters")
    func pictures() throws {
        let trainer = try trained(epochs: 1)
        let mistakes = try #require(trainer.lastTest).mistakes
        try #require(!mistakes.isEmpty)
        let page = try document(try trainer.report().html)
        let shown = try page.nodes(forXPath: "//div[@class='mistakes']//img/@src").compactMap(\.stringValue)
        let expected = try mistakes.map { mistake in
            try "data:image/png;base64," + trainer.test.image(mistake.image).png().base64EncodedString()
        }
        #expect(shown == expected)
        // Four of 3x3.
        let filters = "//div[@class='filters']/img[@width='3' and @height='3']"
        #expect(try page.nodes(forXPath: filters).count == 4)
    }

    @Test("A run says whether it is complete, was stopped, or has not begun")
    func status() throws {
        let trainer = try SmallTask.trainer(
            SmallTask.data(), TrainingConfiguration(epochs: 2, batchSize: 32))
        let outcome = try trainer.tested.test(trainer.test)
        func status() throws -> String {
            try texts("//p[@class='status']", of: trainer.report(outcome: outcome).html)[0]
        }
        #expect(try status().hasPrefix("No epoch of 2 is complete yet."))
        try trainer.fit(onEpoch: { _ in false })
        #expect(try status().hasPrefix("Not complete: after epoch 1 of 2."))
        try trainer.fit()
        #expect(try status().hasPrefix("Complete after 2 epochs."))
    }

    @Test("Of many classes the confusion matrix is a picture, of which the greatest confusions are listed")
    func manyClasses() throws {
        let names = (0..<100).map { "class \($0)" }
        var matrix = ConfusionMatrix(classNames: names)
        for index in 0..<100 { try matrix.record(actual: index, predicted: index) }
        for _ in 0..<3 { try matrix.record(actual: 7, predicted: 9) }
        var page = Markup()
        let section = ConfusionSection(try ClassificationReport(matrix))
        page.element("div") { page in
            section.add(to: &page)
            section.addMostFrequent(to: &page)
        }
        let found = try document(page.text)
        #expect(try found.nodes(forXPath: "//img[@width='100' and @height='100']").count == 1)
        #expect(try texts("//tbody/tr/td", of: page.text) == ["class 9", "3", "75.0 %"])
    }
}

@Suite("The worst mistakes")
struct MistakeTests {
    @Test("Confidence and loss are those of the softmax")
    func values() {
        let mistake = Mistake(image: 3, actual: 0, predicted: 2, outputs: [0, 1, 2])
        let sum = exp(0.0) + exp(1.0) + exp(2.0)
        #expect(abs(mistake.confidence - exp(2.0) / sum) < 1e-15)
        #expect(abs(mistake.loss - log(sum)) < 1e-15)
        let sure = Mistake(image: 0, actual: 0, predicted: 1, outputs: [0, 1e4])
        #expect(sure.confidence == 1 && sure.loss == 1e4)
    }

    @Test("They are in the order of their losses, and as many as are wanted")
    func order() {
        let mistakes = [1, 3, 2, 3].enumerated().map { index, output in
            Mistake(image: index, actual: 0, predicted: 1, outputs: [0, Float(output)])
        }
        #expect(mistakes.worst(3).map(\.image) == [1, 3, 2])
    }

    @Test("A test tells those that its confusion matrix counts, with the labels of their images")
    func ofATest() throws {
        let data = try SmallTask.data()
        let classifier = try SmallTask.classifier(data)
        let outcome = try classifier.test(data.test, batchSize: 7)
        #expect(outcome.report == (try classifier.evaluate(data.test, batchSize: 7)))
        let wrong = (0..<data.test.count).filter { index in
            let answer = try? classifier.predict(data.test.image(index))
            return answer?.classIndex != data.test.label(of: index)
        }
        #expect(Set(outcome.mistakes.map(\.image)).isSubset(of: wrong))
        #expect(outcome.mistakes.count == min(24, wrong.count))
        for mistake in outcome.mistakes {
            #expect(mistake.actual == data.test.label(of: mistake.image))
            #expect(mistake.actual != mistake.predicted)
        }
    }
}
