import ApusDownloads
import ApusFormats
import Foundation

/// `apus download`: fetches a dataset that is published on the web.
struct DownloadCommand: Command {
    private static let dataset = Operand(
        "dataset", help: "One of \(DatasetDownload.all.map(\.name).joined(separator: ", ")).")
    private static let folder = Option<String?>(
        "to", "folder", absent: "datasets/DATASET", help: "Where the files go.")
    private static let mirror = Option<String?>(
        "from", "url", absent: "where it is published",
        help: "Another folder on the web that holds the files.")
    private static let unchecked = Flag(
        "unchecked",
        help:
            "Take files whatever their SHA-256, as of a mirror that has packed them again; what is in them is looked "
            + "at in any case.")
    private static let quiet = Flag("quiet", short: "q", help: "Write nothing but errors.")

    static let specification = CommandSpecification(
        "download", abstract: "Fetches a dataset, checks it, and says how to train on it.",
        operands: [dataset], options: [folder, mirror, unchecked, quiet],
        examples: [
            Example("download mnist", "MNIST's four files, into datasets/mnist."),
            Example(
                "download cifar10 --to /data/cifar10", "CIFAR-10; a second call goes on where one was cut."),
        ])

    let dataset: DatasetDownload
    let folder: URL
    let mirror: String?
    let isQuiet: Bool

    init(_ arguments: ParsedArguments) throws {
        let name = arguments[Self.dataset]
        let known = DatasetDownload.all
        guard let dataset = known.first(where: { $0.name == name }) else {
            let suggestion = NearestName.suggestion(for: name, among: known.map(\.name))
            throw UsageError.other(
                "\(Self.dataset.spelling) must be one of \(known.map(\.name).joined(separator: ", ")), found '\(name)'"
                    + (suggestion.map { "; did you mean '\($0)'?" } ?? ""))
        }
        self.dataset = arguments[Self.unchecked] ? dataset.takingAnyFiles() : dataset
        folder = URL(fileURLWithPath: arguments[Self.folder] ?? "datasets/\(name)").standardizedFileURL
        mirror = arguments[Self.mirror]
        isQuiet = arguments[Self.quiet]
    }

    func run(on console: Console) throws -> ExitCode {
        let reporter = console.reporter(quiet: isQuiet)
        defer { reporter.end() }
        var current: String?
        let data = try dataset.fetch(
            into: folder, from: mirror,
            onProgress: { file, received, total in
                guard let total else { return }
                if current != file {
                    current = file
                    reporter.begin(file, total: total, completed: received, unit: "bytes")
                }
                reporter.advance(to: received)
            },
            onFile: { file, outcome in reporter.line("\(file): \(outcome.text)") })
        reporter.line("Train on it with: \(console.programName) train --data \("\(data)".quotedForShell)")
        return .success
    }
}

extension Download.Outcome {
    fileprivate var text: String {
        switch self {
        case .found: "is there already"
        case .fetched(kept: 0): "fetched"
        case .fetched(let kept): "fetched, but the first \(kept.bytes), which were there already"
        }
    }
}
