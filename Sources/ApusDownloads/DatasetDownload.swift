import ApusData
import ApusFormats
import Foundation

/// A dataset that is published on the web: where its files lie, and what they must be.
public struct DatasetDownload: Sendable {
    /// The name, which is that of its data argument.
    public let name: String
    /// The folder on the web that the files lie in.
    public let mirror: String
    private let files: [File]
    /// The images to train on, and to test on.
    private let counts: (train: Int, test: Int)

    private struct File: Sendable {
        let name: String
        /// The SHA-256 of the file as it is published; nil where any file will do.
        let sum: String?
        /// Whether it is an archive, whose files are wanted in its place.
        var isArchive: Bool { name.hasSuffix(".tar.gz") }
    }

    /// More than an archive holds, decompressed.
    private static let greatestArchive = 1 << 28

    /// The datasets there are.
    public static let all = [
        // LeCun, Cortes and Burges's files, as PyTorch mirrors them.
        DatasetDownload(
            name: "mnist", mirror: "https://ossci-datasets.s3.amazonaws.com/mnist/",
            files: [
                File(
                    name: "train-images-idx3-ubyte.gz",
                    sum: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                File(
                    name: "train-labels-idx1-ubyte.gz",
                    sum: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                File(
                    name: "t10k-images-idx3-ubyte.gz",
                    sum: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                File(
                    name: "t10k-labels-idx1-ubyte.gz",
                    sum: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ], counts: (60_000, 10_000)),
        DatasetDownload(
            name: "fashion-mnist",
            mirror: "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            files: [
                File(
                    name: "train-images-idx3-ubyte.gz",
                    sum: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                File(
                    name: "train-labels-idx1-ubyte.gz",
                    sum: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                File(
                    name: "t10k-images-idx3-ubyte.gz",
                    sum: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                File(
                    name: "t10k-labels-idx1-ubyte.gz",
                    sum: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            ], counts: (60_000, 10_000)),
        DatasetDownload(
            name: "cifar10", mirror: "https://www.cs.toronto.edu/~kriz/",
            files: [
                File(
                    name: "cifar-10-binary.tar.gz",
                    sum: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")
            ], counts: (50_000, 10_000)),
    ]

    /// The same dataset from files packed by others, whatever their sums; what is in them is looked at in any case.
    public func takingAnyFiles() -> DatasetDownload {
        DatasetDownload(
            name: name, mirror: mirror, files: files.map { File(name: $0.name, sum: nil) }, counts: counts)
    }

    /// Fetches the files into `folder`, which is made where there is none, unpacks archives, and reads the dataset.
    ///
    /// - Parameters:
    ///   - mirror: another folder on the web that holds the same files.
    ///   - onFile: is told of each file what came of it.
    ///   - onProgress: is told a file's name, the bytes that are there, and how many there are to be, if that is known.
    /// - Returns: The dataset, to load.
    /// - Throws: `DownloadError` where a file cannot be fetched or is another one; `DataError` or `FormatError` where
    ///   the dataset is not what it should be; `FileError` where a file cannot be written.
    public func fetch(
        into folder: URL, from mirror: String? = nil,
        onProgress: @escaping (_ file: String, _ received: Int, _ total: Int?) -> Void = { _, _, _ in },
        onFile: (_ file: String, Download.Outcome) -> Void = { _, _ in }
    ) throws -> DatasetSpecification {
        let specification = try DatasetSpecification(parsing: "\(name)=\(folder.path)")
        let base = mirror ?? self.mirror
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw FileError(path: folder.path, operation: .create, code: errno)
        }
        for file in files {
            let target = folder.appending(path: file.name)
            let download = Download(url: base + (base.hasSuffix("/") ? "" : "/") + file.name, sum: file.sum)
            let outcome = try download.fetch(to: target) { onProgress(file.name, $0, $1) }
            onFile(file.name, outcome)
            if file.isArchive { try unpack(target, into: folder) }
        }
        // Any constants will do: nobody trains on it here.
        let splits = try specification.load(normalization: .symmetric(channels: 1))
        guard (splits.train.count, splits.test.count) == counts else {
            throw FormatError(
                file: folder.path, offset: 0,
                found: "\(splits.train.count) images to train on and \(splits.test.count) to test on",
                expected: "\(counts.train) and \(counts.test)")
        }
        return specification
    }

    /// Writes an archive's files into `folder`, and none outside.
    private func unpack(_ archive: URL, into folder: URL) throws {
        let bytes = try Gzip.decompress(
            Data(contentsOf: archive), name: archive.path, limit: Self.greatestArchive)
        for entry in try TarArchive(bytes, name: archive.path).entries {
            let parts = entry.name.split(separator: "/")
            guard !entry.name.hasPrefix("/"), !parts.contains(".."), !parts.isEmpty else {
                throw FormatError(
                    file: archive.path, offset: 0, found: "a file called \(entry.name)",
                    expected: "a name within the archive's folder")
            }
            let target = folder.appending(path: parts.joined(separator: "/"))
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            try AtomicFile.write(entry.contents, to: target)
        }
    }
}
