import ApusFormats
import Foundation

/// The folder a run of training keeps its files in.
///
/// | file | holds |
/// |---|---|
/// | `checkpoint.apus` | the network and the state of training as last saved, to go on from |
/// | `checkpoint-best.apus` | the same after the epoch that tested best |
/// | `checkpoints/epoch-00001.apus` | the same after the last epochs, as many as are wanted |
/// | `log.jsonl` | an `EpochRecord` for each epoch, a line each |
/// | `log.csv` | the same as a table |
/// | `events.out.tfevents.*` | the same, and the course of the steps, for TensorBoard |
/// | `report.html` | the run as a page, a `RunReport` |
/// | `metrics.json` | the report on the test images when the run ended, a `RunMetrics` |
public struct RunFolder: Sendable {
    public let url: URL

    /// The folder at `url`, whatever it holds.
    package init(at url: URL) { self.url = url }

    public var path: String { url.path }
    public var checkpoint: URL { url.appending(path: "checkpoint.apus") }
    public var bestCheckpoint: URL { url.appending(path: "checkpoint-best.apus") }
    public var log: URL { url.appending(path: "log.jsonl") }
    public var table: URL { url.appending(path: "log.csv") }
    public var metrics: URL { url.appending(path: "metrics.json") }
    public var report: URL { url.appending(path: "report.html") }
    /// Of the checkpoints of single epochs.
    public var epochCheckpoints: URL { url.appending(path: "checkpoints") }
    private var files: [URL] { [checkpoint, bestCheckpoint, log, table, metrics, report] }

    /// The checkpoint after an epoch, counted from 1.
    public func checkpoint(afterEpoch epoch: Int) -> URL {
        let digits = String(epoch)
        let zeros = String(repeating: "0", count: max(0, 5 - digits.count))
        return epochCheckpoints.appending(path: "epoch-\(zeros)\(digits).apus")
    }

    /// The epochs whose checkpoints are there, in order.
    public var keptEpochs: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: epochCheckpoints.path)) ?? []
        return names.compactMap { name in
            guard let epoch = Int(name.dropFirst("epoch-".count).prefix { $0 != "." }) else { return nil }
            return checkpoint(afterEpoch: epoch).lastPathComponent == name ? epoch : nil
        }.sorted()
    }

    /// The folder of a new run, made where there is none.
    ///
    /// - Throws: `RunFolderError.holdsRun` where a run's files are there already, `FileError` where the
    ///   folder cannot be made.
    public static func new(at url: URL) throws -> RunFolder {
        let folder = RunFolder(at: url)
        try folder.checkIsNew()
        try make(url.path)
        return folder
    }

    /// - Throws: `RunFolderError.holdsRun` where a run's files are there.
    package func checkIsNew() throws {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let epochs = keptEpochs.map { checkpoint(afterEpoch: $0).lastPathComponent }
        let known = Set(files.map(\.lastPathComponent))
        let found = names.filter { known.contains($0) || EventFileWriter.number(of: $0) != nil }
        if let found = (found.sorted() + epochs).first {
            throw RunFolderError.holdsRun(path: path, file: found)
        }
    }

    /// The folder of a run, to go on with or to read.
    ///
    /// - Throws: `RunFolderError.noRun` where it holds no checkpoint.
    public static func existing(at url: URL) throws -> RunFolder {
        let folder = RunFolder(at: url)
        guard FileManager.default.fileExists(atPath: folder.checkpoint.path) else {
            throw RunFolderError.noRun(path: url.path)
        }
        return folder
    }

    /// The checkpoint that is meant by `url`: the file there, or the last one of the run in the folder there.
    ///
    /// - Throws: `RunFolderError.noRun` where there is a folder without a checkpoint.
    package static func checkpoint(at url: URL) throws -> URL {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), isFolder.boolValue
        else { return url }
        return try existing(at: url).checkpoint
    }

    /// Keeps other processes from training in the folder, as long as the lock lives.
    ///
    /// - Throws: `RunFolderError.inUse` where another one holds it.
    package func lock() throws -> RunFolderLock { try RunFolderLock(path) }

    /// Removes files half written that a killed process has left; for who holds the lock.
    package func removeLeftovers() {
        files.forEach(AtomicFile.removeLeftovers(of:))
        AtomicFile.removeLeftovers(in: epochCheckpoints)
    }

    /// Writes the checkpoint after an epoch, and when it is whole removes those of all but the last `count` up to it.
    ///
    /// - Throws: `FileError` where it cannot be written; the others are then left as they are.
    func write(_ bytes: Data, afterEpoch epoch: Int, keeping count: Int) throws {
        try Self.make(epochCheckpoints.path)
        try AtomicFile.write(bytes, to: checkpoint(afterEpoch: epoch))
        for old in keptEpochs where old <= epoch - count {
            try? FileManager.default.removeItem(at: checkpoint(afterEpoch: old))
        }
    }

    /// Writes the log anew from the history of a run, and its table: a checkpoint knows better than the log which
    /// epochs it has behind it.
    public func writeLog(_ history: [EpochRecord]) throws {
        let encoder = JSONEncoder.forLines
        let lines = try history.map { try encoder.encode($0) + "\n".utf8 }
        try AtomicFile.write(Data(lines.joined()), to: log)
        try writeTable(history)
    }

    /// Writes the epochs of a run as comma-separated values.
    func writeTable(_ history: [EpochRecord]) throws {
        try AtomicFile.write(Data(history.csv.utf8), to: table)
    }

    /// Adds an epoch to the log.
    ///
    /// - Throws: `JSONLinesError` where the file takes no more.
    public func appendToLog(_ record: EpochRecord) throws {
        try JSONLinesWriter(path: log.path).append(record)
    }

    /// Writes the report of a run that has ended.
    public func write(_ metrics: RunMetrics) throws {
        try AtomicFile.write(try JSONEncoder.forLines.encode(metrics) + "\n".utf8, to: self.metrics)
    }

    /// Makes a folder, and those it lies in.
    private static func make(_ path: String) throws {
        if mkdir(path, 0o777) == 0 { return }
        var code = errno
        let parent = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if code == ENOENT, parent != path {
            try make(parent)
            if mkdir(path, 0o777) == 0 { return }
            code = errno
        }
        var isFolder: ObjCBool = false
        if code == EEXIST, FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
            isFolder.boolValue
        {
            return
        }
        throw FileError(path: path, operation: .create, code: code)
    }
}

/// What a run came to: the report on the test images, and the course of the run.
///
/// As JSON these are the keys of `ClassificationReport`, and beside them those of this type.
public struct RunMetrics: Sendable, Equatable, Codable {
    /// Of the network as the run left it.
    public let report: ClassificationReport
    /// Epochs completed.
    public let epochs: Int
    /// Time the epochs took.
    public let seconds: Double
    /// The epoch that tested best, the first of equals, where any was tested.
    public let bestEpoch: Int?
    public let bestTestAccuracy: Double?
    /// Whether the run ended before its last epoch, since the last few brought nothing better.
    public let stoppedEarly: Bool

    public init(_ report: ClassificationReport, history: [EpochRecord], stoppedEarly: Bool = false) {
        self.report = report
        self.stoppedEarly = stoppedEarly
        epochs = history.count
        seconds = history.reduce(0) { $0 + $1.seconds }
        let best = history.best
        bestEpoch = best?.epoch
        bestTestAccuracy = best?.testAccuracy
    }

    private enum CodingKeys: String, CodingKey {
        case epochs, seconds, bestEpoch, bestTestAccuracy, stoppedEarly
    }

    public init(from decoder: any Decoder) throws {
        report = try ClassificationReport(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        epochs = try container.decode(Int.self, forKey: .epochs)
        seconds = try container.decode(Double.self, forKey: .seconds)
        bestEpoch = try container.decodeIfPresent(Int.self, forKey: .bestEpoch)
        bestTestAccuracy = try container.decodeIfPresent(Double.self, forKey: .bestTestAccuracy)
        stoppedEarly = try container.decode(Bool.self, forKey: .stoppedEarly)
    }

    public func encode(to encoder: any Encoder) throws {
        try report.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(epochs, forKey: .epochs)
        try container.encode(seconds, forKey: .seconds)
        try container.encodeIfPresent(bestEpoch, forKey: .bestEpoch)
        try container.encodeIfPresent(bestTestAccuracy, forKey: .bestTestAccuracy)
        try container.encode(stoppedEarly, forKey: .stoppedEarly)
    }
}

extension [EpochRecord] {
    /// The epoch of the highest test accuracy, the first of equals; nil where none was tested.
    package var best: EpochRecord? {
        // Of equals `max` gives the first.
        filter { $0.testAccuracy != nil }.max { ($0.testAccuracy ?? 0) < ($1.testAccuracy ?? 0) }
    }
}

/// A folder of which one process at a time has the say; the lock ends with the object, or the process.
package final class RunFolderLock: Sendable {
    private let descriptor: Int32

    fileprivate init(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, operation: .open, code: errno) }
        // File systems that know no locks fail in other ways, and keep nobody from training.
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(descriptor)
            throw RunFolderError.inUse(path: path)
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}

/// A folder that cannot be a run's.
public enum RunFolderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A new run was to begin where another one's `file` lies.
    case holdsRun(path: String, file: String)
    /// A run was wanted where there is none.
    case noRun(path: String)
    /// Another process is training there.
    case inUse(path: String)

    public var description: String {
        switch self {
        case .holdsRun(let path, let file):
            "\(path) already holds a run: there is a \(file)"
        case .noRun(let path):
            "\(path) holds no run: there is no checkpoint.apus"
        case .inUse(let path):
            "\(path) is in use: another process is training there"
        }
    }
}
