import ApusFormats
import ApusTraining
import Foundation
import TestSupport
import Testing

private func record(_ epoch: Int, _ testAccuracy: Double? = nil) -> EpochRecord {
    EpochRecord(
        epoch: epoch, trainLoss: 1, trainAccuracy: 0.5, testLoss: 2, testAccuracy: testAccuracy,
        imagesPerSecond: 100, learningRate: 0.1, seconds: 1.5)
}

@Suite("Run folder")
struct RunFolderTests {
    @Test("A new run's folder is made, with those it lies in; an empty one will do")
    func new() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "a/b/c")
            let folder = try RunFolder.new(at: url)
            #expect(FileManager.default.fileExists(atPath: folder.path))
            _ = try RunFolder.new(at: url)
            #expect(throws: RunFolderError.noRun(path: url.path)) { try RunFolder.existing(at: url) }
        }
    }

    @Test(
        "A folder that holds a run is not taken for a new one",
        arguments: [
            "checkpoint.apus", "checkpoint-best.apus", "log.jsonl", "log.csv", "metrics.json", "report.html",
            "events.out.tfevents.1",
        ])
    func taken(name: String) throws {
        try withTemporaryDirectory { directory in
            try Data().write(to: directory.appending(path: name))
            #expect(throws: RunFolderError.holdsRun(path: directory.path, file: name)) {
                try RunFolder.new(at: directory)
            }
        }
    }

    @Test("A folder has one lock at a time")
    func locking() throws {
        try withTemporaryDirectory { directory in
            let folder = try RunFolder.new(at: directory)
            let lock = try folder.lock()
            #expect(throws: RunFolderError.inUse(path: directory.path)) { try folder.lock() }
            withExtendedLifetime(lock) {}
        }
    }

    @Test("A lock ends with its object")
    func unlocking() throws {
        try withTemporaryDirectory { directory in
            let folder = try RunFolder.new(at: directory)
            for _ in 0..<2 { _ = try folder.lock() }
        }
    }

    @Test("Where a file is in the way, no folder is made")
    func blocked() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "file")
            try Data("x".utf8).write(to: file)
            #expect(throws: FileError.self) { try RunFolder.new(at: file) }
            #expect(throws: FileError.self) { try RunFolder.new(at: file.appending(path: "run")) }
            #expect(try Data(contentsOf: file) == Data("x".utf8))
        }
    }

    @Test("The log has a line for each epoch, and is written anew from a history")
    func log() throws {
        try withTemporaryDirectory { directory in
            let folder = try RunFolder.new(at: directory)
            func epochs() throws -> [Int] {
                try String(contentsOf: folder.log, encoding: .utf8).split(separator: "\n").map {
                    try JSONDecoder().decode(EpochRecord.self, from: Data($0.utf8)).epoch
                }
            }
            for epoch in 1...3 { try folder.appendToLog(record(epoch)) }
            #expect(try epochs() == [1, 2, 3])
            try folder.writeLog([record(1), record(2)])
            try folder.appendToLog(record(3))
            #expect(try epochs() == [1, 2, 3])
            try folder.writeLog([])
            #expect(try epochs().isEmpty)
        }
    }

    @Test("The table has a header, a row for each epoch, and nothing where nothing was measured")
    func table() throws {
        try withTemporaryDirectory { directory in
            let folder = try RunFolder.new(at: directory)
            try folder.writeLog([record(1, 0.25), record(2)])
            #expect(
                try String(contentsOf: folder.table, encoding: .utf8) == """
                    epoch,train_loss,train_accuracy,test_loss,test_accuracy,learning_rate,images_per_second,seconds
                    1,1.0,0.5,2.0,0.25,0.1,100.0,1.5
                    2,1.0,0.5,2.0,,0.1,100.0,1.5

                    """)
        }
    }

    @Test("The best epoch is the first of the highest test accuracy")
    func best() {
        #expect([record(1, 0.5), record(2, 0.7), record(3, 0.7), record(4, 0.6)].best?.epoch == 2)
        #expect([record(1), record(2, 0)].best?.epoch == 2)
        #expect([record(1)].best == nil)
        #expect([EpochRecord]().best == nil)
    }

    @Test("A run's metrics have the keys of the report, and the course of the run beside them")
    func metrics() throws {
        var matrix = ConfusionMatrix(classNames: ["a", "b"])
        try matrix.record(actual: 0, predicted: 0)
        try matrix.record(actual: 1, predicted: 0)
        let report = try ClassificationReport(matrix, loss: 0.25)
        try withTemporaryDirectory { directory in
            let folder = try RunFolder.new(at: directory)
            let metrics = RunMetrics(report, history: [record(1, 0.5), record(2, 0.25)])
            try folder.write(metrics)
            let data = try Data(contentsOf: folder.metrics)
            let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect(object["epochs"] as? Int == 2)
            #expect(object["seconds"] as? Double == 3)
            #expect(object["bestEpoch"] as? Int == 1)
            #expect(object["bestTestAccuracy"] as? Double == 0.5)
            #expect(try JSONDecoder().decode(ClassificationReport.self, from: data) == report)
            #expect(try JSONDecoder().decode(RunMetrics.self, from: data) == metrics)
        }
    }
}
