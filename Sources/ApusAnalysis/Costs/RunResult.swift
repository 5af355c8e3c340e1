import ApusFormats
import ApusTraining
import Foundation

/// What a run of training came to.
public struct RunResult: Sendable, Codable, Hashable {
    /// The folder.
    public let path: String
    public let model: String
    /// `[height, width, channels]`.
    public let input: [Int]
    public let classes: Int
    /// What it was trained on, where the run says so.
    public let data: String?
    /// Epochs completed.
    public let epochs: Int
    /// On the test images, of the network as the run left it.
    public let accuracy: Double

    public init(
        path: String, model: String, input: [Int], classes: Int, data: String?, epochs: Int, accuracy: Double
    ) {
        self.path = path
        self.model = model
        self.input = input
        self.classes = classes
        self.data = data
        self.epochs = epochs
        self.accuracy = accuracy
    }

    /// Reads a run: its last checkpoint, and its metrics, or where it has not ended its last test.
    ///
    /// - Throws: `RunFolderError` where there is no run; `FileError`, `FormatError` or `CheckpointError` where a file cannot
    ///   be read; `RunResultError` where nothing was tested.
    public init(_ folder: RunFolder) throws {
        let checkpoint = try Checkpoint(contentsOf: RunFolder.existing(at: folder.url).checkpoint)
        let network = try checkpoint.classifier().network
        path = folder.path
        model = checkpoint.modelName
        input = network.input.extents
        classes = network.output.channels
        data = checkpoint.settings?["data"]
        epochs = checkpoint.history.count
        guard let accuracy = try Self.finalAccuracy(folder) ?? checkpoint.history.last?.testAccuracy else {
            throw RunResultError(path: folder.path)
        }
        self.accuracy = accuracy
    }

    /// The runs that paths mean: folders of runs, or folders that hold such.
    ///
    /// - Throws: As `init`; `RunFolderError.noRun` where a folder is none and holds none.
    public static func runs(at urls: [URL]) throws -> [RunResult] {
        try urls.flatMap { url in
            let folder = RunFolder(at: url)
            if FileManager.default.fileExists(atPath: folder.checkpoint.path) {
                return [try RunResult(folder)]
            }
            let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
            let folders = names.sorted().map { RunFolder(at: url.appending(path: $0)) }.filter {
                FileManager.default.fileExists(atPath: $0.checkpoint.path)
            }
            guard !folders.isEmpty else { throw RunFolderError.noRun(path: url.path) }
            return try folders.map { try RunResult($0) }
        }
    }

    /// Of the file of metrics; nil where there is none yet.
    private static func finalAccuracy(_ folder: RunFolder) throws -> Double? {
        guard FileManager.default.fileExists(atPath: folder.metrics.path) else { return nil }
        let bytes = try WholeFile.contents(of: folder.metrics)
        do {
            return try JSONDecoder().decode(ClassificationReport.self, from: bytes).accuracy
        } catch {
            throw FormatError(
                file: folder.metrics.path, offset: 0, found: "something else",
                expected: "the metrics of a run")
        }
    }
}

/// A run that was never tested.
public struct RunResultError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String

    public var description: String { "\(path) has tested no epoch yet: it has no accuracy" }
}
