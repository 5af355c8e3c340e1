import ApusTraining
import Foundation
import Testing

@Suite("JSON lines")
struct ReportingJSONLinesWriterTests {
    private let record = EpochRecord(
        epoch: 1, trainLoss: 0.5, trainAccuracy: 0.75, testAccuracy: 0.5, imagesPerSecond: 1000,
        learningRate: 0.05, seconds: 60)

    /// Calls `body` with the path of a file that does not exist yet.
    private func withPath(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.appendingPathComponent("log.jsonl").path)
    }

    private func lines(_ path: String) throws -> [String] {
        try String(contentsOfFile: path, encoding: .utf8).components(separatedBy: "\n")
    }

    @Test("Each record is a line, in the file as soon as it is appended")
    func eachRecord() throws {
        try withPath { path in
            let writer = try JSONLinesWriter(path: path)
            try writer.append(record)
            let expected =
                #"{"epoch":1,"imagesPerSecond":1000,"learningRate":0.05,"seconds":60,"testAccuracy":0.5,"#
                + #""trainAccuracy":0.75,"trainLoss":0.5}"#
            #expect(try lines(path) == [expected, ""])
            try writer.append(record)
            #expect(try lines(path) == [expected, expected, ""])
            #expect(try JSONDecoder().decode(EpochRecord.self, from: Data(expected.utf8)) == record)
        }
    }

    @Test("An existing log goes on where it ends, and a broken last line stays by itself")
    func appending() throws {
        try withPath { path in
            try JSONLinesWriter(path: path).append(["a": 1])
            try JSONLinesWriter(path: path).append(["b": 2])
            #expect(try lines(path) == [#"{"a":1}"#, #"{"b":2}"#, ""])
            try #"{"c"#.write(toFile: path, atomically: false, encoding: .utf8)
            try JSONLinesWriter(path: path).append(["d": 4])
            #expect(try lines(path) == [#"{"c"#, #"{"d":4}"#, ""])
        }
    }

    @Test("A record with a number that is not finite is refused by name, and leaves no trace")
    func notFinite() throws {
        try withPath { path in
            let writer = try JSONLinesWriter(path: path)
            var diverged = record
            diverged.trainLoss = .nan
            #expect(throws: JSONLinesError.cannotEncode(path: path, reason: "trainLoss is nan")) {
                try writer.append(diverged)
            }
            #expect(try lines(path) == [""])
        }
    }

    @Test("A file that cannot be opened is named")
    func cannotOpen() throws {
        try withPath { path in
            let missing = path + "/log.jsonl"
            let error = #expect(throws: JSONLinesError.self) { try JSONLinesWriter(path: missing) }
            #expect(error?.description.hasPrefix("\(missing): cannot open the log") == true)
        }
    }

    #if os(Linux)
        @Test("A full disk is an error")
        func fullDisk() throws {
            let writer = try JSONLinesWriter(path: "/dev/full")
            let error = #expect(throws: JSONLinesError.self) { try writer.append(record) }
            #expect(error?.description.hasPrefix("/dev/full: cannot append to the log") == true)
        }
    #endif
}
