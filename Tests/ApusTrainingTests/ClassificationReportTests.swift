import ApusTraining
import Foundation
import Testing

/// The expected numbers are scikit-learn 1.9.1's:
///
///     from sklearn.metrics import accuracy_score, precision_recall_fscore_support as scores
///     accuracy_score(actual, predicted)
///     scores(actual, predicted, labels=range(classes), zero_division=0)
///     scores(actual, predicted, labels=range(classes), average="macro", zero_division=0)
///     scores(actual, predicted, labels=range(classes), average="weighted", zero_division=0)
struct ReportCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var actual: [Int]
    var predicted: [Int]
    var accuracy: Double
    /// Precision, recall, F1 and support of each class.
    var perClass: [[Double]]
    var macro: [Double]
    var weighted: [Double]

    static let all = [
        ReportCase(
            testDescription: "mixed",
            actual: [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 2],
            predicted: [0, 0, 1, 2, 1, 1, 0, 2, 2, 2, 1, 0],
            accuracy: 0.5833333333333334,
            perClass: [
                [0.5, 0.5, 0.5, 4],
                [0.5, 0.6666666666666666, 0.5714285714285714, 3],
                [0.75, 0.6, 0.6666666666666666, 5],
            ],
            macro: [0.5833333333333334, 0.5888888888888889, 0.5793650793650794],
            weighted: [0.6041666666666666, 0.5833333333333334, 0.5873015873015873]),
        ReportCase(
            testDescription: "1 never predicted, 3 never present, 4 neither",
            actual: [0, 0, 1, 1, 2, 2, 2],
            predicted: [0, 2, 0, 2, 2, 2, 3],
            accuracy: 0.42857142857142855,
            perClass: [
                [0.5, 0.5, 0.5, 2],
                [0, 0, 0, 2],
                [0.5, 0.6666666666666666, 0.5714285714285714, 3],
                [0, 0, 0, 0],
                [0, 0, 0, 0],
            ],
            macro: [0.2, 0.2333333333333333, 0.21428571428571427],
            weighted: [0.35714285714285715, 0.42857142857142855, 0.38775510204081637]),
        ReportCase(
            testDescription: "all wrong", actual: [0, 0, 1], predicted: [1, 1, 0], accuracy: 0,
            perClass: [[0, 0, 0, 2], [0, 0, 0, 1]], macro: [0, 0, 0], weighted: [0, 0, 0]),
        ReportCase(
            testDescription: "all right", actual: [0, 1, 1, 2], predicted: [0, 1, 1, 2], accuracy: 1,
            perClass: [[1, 1, 1, 1], [1, 1, 1, 2], [1, 1, 1, 1]], macro: [1, 1, 1], weighted: [1, 1, 1]),
    ]

    func matrix() throws -> ConfusionMatrix {
        var matrix = ConfusionMatrix(classNames: perClass.indices.map { "class \($0)" })
        for (actual, predicted) in zip(actual, predicted) {
            try matrix.record(actual: actual, predicted: predicted)
        }
        return matrix
    }
}

@Suite("Confusion matrix and classification report")
struct ClassificationReportTests {
    @Test("Every figure equals scikit-learn's", arguments: ReportCase.all)
    func figures(_ expected: ReportCase) throws {
        let report = try ClassificationReport(expected.matrix())
        expectEqual([report.accuracy], [expected.accuracy])
        #expect(report.perClass.count == expected.perClass.count)
        for (found, expected) in zip(report.perClass, expected.perClass) {
            expectEqual([found.precision, found.recall, found.f1, Double(found.support)], expected)
        }
        let averages = [(report.macroAverage, expected.macro), (report.weightedAverage, expected.weighted)]
        for (found, expected) in averages {
            expectEqual([found.precision, found.recall, found.f1], expected)
        }
    }

    @Test("Rows are actual classes, columns predicted ones")
    func orientation() throws {
        var matrix = ConfusionMatrix(classNames: ["a", "b", "c"])
        try matrix.record(actual: 0, predicted: 2)
        try matrix.record(actual: 0, predicted: 2)
        try matrix.record(actual: 1, predicted: 1)
        #expect(matrix.rows == [[0, 0, 2], [0, 1, 0], [0, 0, 0]])
        #expect(matrix[actual: 0, predicted: 2] == 2)
        #expect(matrix.actualCount(0) == 2 && matrix.predictedCount(0) == 0)
        #expect(matrix.correctCount == 1 && matrix.sampleCount == 3)
    }

    @Test("An index of no class is refused and counts nothing", arguments: [(-1, 0), (0, 2), (2, 0)])
    func outOfRange(actual: Int, predicted: Int) throws {
        var matrix = ConfusionMatrix(classNames: ["a", "b"])
        let index = actual == 0 ? predicted : actual
        #expect(throws: MetricsError.classOutOfRange(index: index, classCount: 2)) {
            try matrix.record(actual: actual, predicted: predicted)
        }
        #expect(matrix.sampleCount == 0)
    }

    @Test("No samples make no report")
    func empty() throws {
        #expect(throws: MetricsError.noSamples) {
            try ClassificationReport(ConfusionMatrix(classNames: ["a", "b"]))
        }
    }

    @Test("A loss that is not finite makes no report", arguments: [Double.nan, .infinity])
    func loss(_ loss: Double) throws {
        #expect(throws: MetricsError.self) {
            try ClassificationReport(ReportCase.all[0].matrix(), loss: loss)
        }
    }

    @Test("The JSON has the documented keys, and the loss only where it is known")
    func json() throws {
        let matrix = try ReportCase.all[3].matrix()
        let scores = #""f1":1,"precision":1,"recall":1"#
        let classes = zip([0, 1, 2], [1, 2, 1]).map { index, support in
            #"{"f1":1,"name":"class \#(index)","precision":1,"recall":1,"support":\#(support)}"#
        }.joined(separator: ",")
        let end = #""macro":{\#(scores)},"perClass":[\#(classes)],"weighted":{\#(scores)}}"#
        let start = #"{"accuracy":1,"confusion":[[1,0,0],[0,2,0],[0,0,1]],"#
        #expect(try ClassificationReport(matrix).json() == start + end)
        #expect(try ClassificationReport(matrix, loss: 0.25).json() == start + #""loss":0.25,"# + end)
    }

    @Test("The JSON reads back as the same report", arguments: ReportCase.all)
    func roundTrip(_ example: ReportCase) throws {
        let report = try ClassificationReport(example.matrix(), loss: 0.1)
        let data = Data(try report.json().utf8)
        #expect(try JSONDecoder().decode(ClassificationReport.self, from: data) == report)
    }

    @Test("The table shows names, figures, averages and the matrix")
    func table() throws {
        let report = try ClassificationReport(ReportCase.all[1].matrix(), loss: 0.25)
        #expect(
            report.table() == """
                accuracy 0.4286, loss 0.2500 on 7 samples

                class             precision     recall         f1    support
                ------------------------------------------------------------
                class 0              0.5000     0.5000     0.5000          2
                class 1              0.0000     0.0000     0.0000          2
                class 2              0.5000     0.6667     0.5714          3
                class 3              0.0000     0.0000     0.0000          0
                class 4              0.0000     0.0000     0.0000          0
                ------------------------------------------------------------
                macro average        0.2000     0.2333     0.2143          7
                weighted average     0.3571     0.4286     0.3878          7

                Confusion matrix: a row for each actual class, a column for each predicted one
                            0  1  2  3  4
                0 class 0   1  .  1  .  .
                1 class 1   1  .  1  .  .
                2 class 2   .  .  2  1  .
                3 class 3   .  .  .  .  .
                4 class 4   .  .  .  .  .

                """)
    }

    @Test("No line of the table is wider than asked for", arguments: [60, 80, 100], [3, 10, 40])
    func width(columns: Int, classCount: Int) throws {
        let name = "a class with \u{1B}[1m a name of more than sixty characters, the number of which is"
        var matrix = ConfusionMatrix(classNames: (0..<classCount).map { "\(name) \($0)" })
        for index in 0..<classCount {
            for _ in 0...1000 { try matrix.record(actual: index, predicted: (index + 1) % classCount) }
        }
        let table = try ClassificationReport(matrix).table(columns: columns)
        let headings = ["accuracy", "Confusion matrix:"]
        for line in table.split(separator: "\n") where !headings.contains(where: line.hasPrefix) {
            #expect(line.count <= columns)
        }
        #expect(table.contains("…") && !table.contains("\u{1B}"))
    }

    @Test("A matrix too wide for the terminal gives way to the most frequent confusions")
    func confusions() throws {
        var matrix = ConfusionMatrix(classNames: (0..<100).map { "c\($0)" })
        for (actual, predicted, count) in [(3, 3, 50), (7, 5, 2), (99, 1, 12), (2, 8, 2)] {
            for _ in 0..<count { try matrix.record(actual: actual, predicted: predicted) }
        }
        let table = try ClassificationReport(matrix).table()
        let expected = """
            Most frequent confusions: actual -> predicted
            12  c99 -> c1
             2  c2  -> c8
             2  c7  -> c5

            """
        #expect(table.hasSuffix(expected))
    }

    private func expectEqual(
        _ found: [Double], _ expected: [Double], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(found.count == expected.count, sourceLocation: sourceLocation)
        for (found, expected) in zip(found, expected) {
            #expect(abs(found - expected) <= 1e-15, sourceLocation: sourceLocation)
        }
    }
}
