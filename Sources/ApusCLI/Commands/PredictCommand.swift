import ApusData
import ApusFormats
import ApusKernels
import ApusTraining
import Foundation

/// `apus predict`: says what images show.
struct PredictCommand: Command {
    private static let images = Operand(
        "image", isRepeated: true,
        help:
            "A JPEG or PNG file of any size, grey or in colour; a folder, for all such files in it and below; "
            + "or - for a file on standard input.")
    private static let top = Option(
        "top", "n", default: 1, .between(1, and: 65_536),
        help: "Classes to name for each image, the most probable first.")
    private static let batchSize = CommonOptions.batchSize(default: 64, help: "Images computed at once.")
    private static let json = Flag("json", help: "Write a line of JSON for each image, for programs.")

    private static let outputs = Glossary(
        "Output, in the order of the images",
        [
            ("on a terminal", "A table: the file, then classes with their probabilities."),
            ("elsewhere", "The same, separated by tabs."),
            (
                "--json",
                #"{"file":..., "predictions":[{"class":..., "index":..., "probability":...}, ...]}, or "#
                    + #"{"error":..., "file":...}."#
            ),
            (
                "a bad file",
                "Is named where errors go, with the reason; the others are predicted, and the exit status is 1."
            ),
        ])

    static let specification = CommandSpecification(
        "predict",
        abstract: "Says which class each image is of: JPEG and PNG files, one or any number.",
        operands: [images],
        options: [
            CommonOptions.checkpoint, top, batchSize, CommonOptions.backend, CommonOptions.threads, json,
        ],
        glossaries: [outputs],
        examples: [
            Example("predict --checkpoint runs/photos cat.jpg dog.png --top 3", "Three guesses for each."),
            Example(
                "predict -c runs/photos/checkpoint-best.apus photos/new --json",
                "All images of a folder, for a program."),
            Example("predict -c runs/photos -", "An image on standard input."),
        ])

    let checkpoint: String
    let images: [String]
    let top: Int
    let batchSize: Int
    let backend: Backend
    let threads: Int?
    let writesJSON: Bool

    init(_ arguments: ParsedArguments) throws {
        checkpoint = arguments[CommonOptions.checkpoint]
        images = arguments.all(Self.images)
        top = arguments[Self.top]
        batchSize = arguments[Self.batchSize]
        backend = try CommonOptions.backend(arguments)
        threads = arguments[CommonOptions.threads]
        writesJSON = arguments[Self.json]
        guard images.count(where: { $0 == "-" }) <= 1 else {
            throw UsageError.other("standard input (-) can be read only once")
        }
    }

    func run(on console: Console) throws -> ExitCode {
        let file = try RunFolder.checkpoint(at: URL(fileURLWithPath: checkpoint))
        let classifier = try Classifier.load(from: file, backend: backend)
        var status = ExitCode.success
        func complain(_ error: any Error) {
            status = .failure
            console.complain("\(console.programName): error: \("\(error)".printable)\n")
        }
        let paths = images.flatMap { image in
            do {
                return image == "-" ? [image] : try ImageFiles.paths(at: image)
            } catch {
                complain(error)
                return []
            }
        }
        CommonOptions.remark(onThreads: threads, to: console)
        let lines = PredictionLines(
            writesJSON ? .json : console.isTerminal ? .table : .tabs, of: paths,
            classNames: classifier.classNames, top: top)
        var place = 0
        do {
            try classifier.predict(
                files: paths.map { URL(fileURLWithPath: $0 == "-" ? "/dev/stdin" : $0) },
                batchSize: batchSize, threads: threads
            ) { _, outcome in
                if case .failure(let error) = outcome { complain(error) }
                console.write(try lines.text(of: outcome, for: paths[place]))
                place += 1
                // Nobody reads on.
                if let failure = console.outputFailure { throw failure }
            }
        } catch let error as FileError where error == console.outputFailure {
            return .failure
        }
        return status
    }
}

/// Predictions as text, a line for each image, the same columns in all.
private struct PredictionLines {
    enum Style { case table, tabs, json }

    private let style: Style
    private let classNames: [String]
    private let top: Int
    private let pathWidth: Int
    private let nameWidth: Int

    /// - Parameter paths: of all images.
    init(_ style: Style, of paths: [String], classNames: [String], top: Int) {
        self.style = style
        self.classNames = classNames
        self.top = top
        pathWidth = paths.map(\.printable.count).max() ?? 0
        nameWidth = classNames.map(\.printable.count).max() ?? 0
    }

    /// The line for an image; empty where it is not there, but in JSON, which says so.
    func text(of outcome: Classifier.Outcome, for path: String) throws -> String {
        switch (style, outcome) {
        case (.json, .failure(let error)):
            return try json(Line(file: path, error: "\(error)"))
        case (.json, .success(let prediction)):
            let classes = prediction.best(top).map {
                Line.Class(name: classNames[$0], index: $0, probability: prediction.probabilities[$0])
            }
            return try json(Line(file: path, predictions: classes))
        case (_, .failure): return ""
        case (.tabs, .success(let prediction)):
            let cells = prediction.best(top).flatMap {
                [classNames[$0].printable, "\(prediction.probabilities[$0])"]
            }
            return ([path.printable] + cells).joined(separator: "\t") + "\n"
        case (.table, .success(let prediction)):
            let cells = prediction.best(top).map {
                classNames[$0].printable.padded(to: nameWidth) + " "
                    + Double(prediction.probabilities[$0]).decimals(4)
            }
            return ([path.printable.padded(to: pathWidth)] + cells).joined(separator: "   ") + "\n"
        }
    }

    private func json(_ line: Line) throws -> String {
        String(decoding: try JSONEncoder.forLines.encode(line), as: UTF8.self) + "\n"
    }

    private struct Line: Encodable {
        struct Class: Encodable {
            let name: String
            let index: Int
            let probability: Float

            private enum CodingKeys: String, CodingKey {
                case name = "class"
                case index, probability
            }
        }

        let file: String
        var predictions: [Class]?
        var error: String?
    }
}
