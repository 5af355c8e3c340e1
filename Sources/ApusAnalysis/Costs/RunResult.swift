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

    /// Reads a run: its last checkpoint, and the last test of the network as it is there.
    ///
    /// - Throws: `RunFolderError` where there is no run; `FileError`, `FormatError` or `CheckpointError` where a file cannot
    ///   be read, or the catalogue does not know the model; `RunResultError` where the network was not tested.
    public init(_ folder: RunFolder) throws {
        let checkpoint = try Checkpoint(contentsOf: RunFolder.existing(at: folder.url).checkpoint)
        _ = try checkpoint.model()
        path = folder.path
        model = checkpoint.modelName
        input = checkpoint.input
        classes = checkpoint.classNames.count
        data = checkpoint.settings?["data"]
        epochs = checkpoint.history.count
        // A run that was taken up again has metrics from before, until it ends.
        let metrics = try Self.metrics(folder).flatMap { $0.epochs == checkpoint.history.count ? $0 : nil }
        guard let accuracy = metrics?.report.accuracy ?? checkpoint.history.last?.testAccuracy else {
            throw RunResultError(path: folder.path, epochs: epochs)
        }
        self.accuracy = accuracy
    }

    /// The runs that paths mean: folders of runs, or folders that hold such.
    ///
    /// - Parameter onSkipped: gets the path and the error of a run in a folder of runs that `init` throws; it is left
    ///   out.
    /// - Throws: As `init` for a run that is named itself; `RunFolderError.noRun` where a folder is none and holds none.
    public static func runs(
        at urls: [URL], onSkipped: (_ path: String, _ error: any Error) -> Void = { _, _ in }
    ) throws -> [RunResult] {
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
            return folders.compactMap { folder in
                do {
                    return try RunResult(folder)
                } catch {
                    onSkipped(folder.path, error)
                    return nil
                }
            }
        }
    }

    /// What the run came to when it last ended; nil where it has not.
    private static func metrics(_ folder: RunFolder) throws -> RunMetrics? {
        guard FileManager.default.fileExists(atPath: folder.metrics.path) else { return nil }
        let bytes = try WholeFile.contents(of: folder.metrics)
        do {
            return try JSONDecoder().decode(RunMetrics.self, from: bytes)
        } catch {
            throw FormatError(
                file: folder.metrics.path, offset: 0, found: "something else",
                expected: "the metrics of a run")
        }
    }
}

/// A run whose network was not tested after its last epoch.
public struct RunResultError: Error, Sendable, Hashable, CustomStringConvertible {
    public let path: String
    /// Completed.
    public let epochs: Int

    public var description: String {
        "\(path) has no accuracy: its network was not tested after \(epochs.counted("epoch"))"
    }
}
