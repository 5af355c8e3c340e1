import ApusData
import ApusFormats
import ApusTraining
import Foundation

/// Numbers of images from 0 on: `0,5` or `0-7,12`.
struct ImageIndices: ArgumentValue {
    /// More than this are taken for a slip of the hand.
    private static let greatestCount = 10_000

    let argument: String
    let indices: [Int]

    init(argument: String) throws(InvalidArgument) {
        self.argument = argument
        var indices: [Int] = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
            guard 1...2 ~= ends.count, let first = ends.first, let last = ends.last, 0 <= first,
                first <= last,
                last - first < Self.greatestCount - indices.count
            else {
                throw InvalidArgument(
                    mustBe: "numbers from 0 on, or ranges of them, separated by commas: 0,5 or 0-7")
            }
            indices += first...last
        }
        self.indices = indices
    }
}

/// Images that a command is to show something of: files, or some of a dataset's test images.
struct ChosenImages {
    static let images = Operand(
        "image", isRepeated: true, isOptional: true,
        help:
            "A JPEG or PNG file of any size, grey or in colour; a folder, for all such files in it and below; "
            + "or - for a file on standard input. Without any, --index names test images of the data.")
    static let data = Option<String?>(
        TrainSettings.data.name, short: "d", "dataset", absent: "the data it was trained on",
        help: "Where the images of --index come from, as in apus train; the test images are used.")
    static let index = Option<ImageIndices?>(
        "index", "n,n-m", help: "Test images by their numbers, from 0 on.")

    /// An image, and what it is called.
    struct Image {
        let title: String
        let image: PixelImage
        /// What a dataset says it shows.
        var label: String?

        /// For a picture: a file's name alone.
        var shortTitle: String {
            label.map { "\(title): \($0)" } ?? URL(fileURLWithPath: title).lastPathComponent
        }
    }

    private let paths: [String]
    private let data: DatasetSpecification?
    private let indices: [Int]?

    init(_ arguments: ParsedArguments) throws {
        paths = arguments.all(Self.images)
        indices = arguments[Self.index]?.indices
        data = try DatasetSpecification(arguments[Self.data], of: Self.data)
        guard paths.isEmpty != (indices == nil) else {
            throw UsageError.other(
                paths.isEmpty
                    ? "<image>... or \(Self.index.spelling) is required"
                    : "\(Self.index.spelling) does not go with images in files")
        }
        guard data == nil || indices != nil else {
            throw UsageError.other("\(Self.data.spelling) needs \(Self.index.spelling)")
        }
        guard paths.count(where: { $0 == "-" }) <= 1 else {
            throw UsageError.other("standard input (-) can be read only once")
        }
    }

    /// The images; those that cannot be read are left out, after `complain` has had the reason.
    ///
    /// - Parameters:
    ///   - size: what they are resized to at least.
    ///   - most: images; more are refused before any is read.
    ///   - checkpoint: says what the data are, where the command line does not.
    ///   - outputs: files that are to be written.
    /// - Throws: `CommandError` where there are too many, an index names none, or one of `outputs` is an image; what keeps
    ///   a dataset from being read.
    func load(
        atLeast size: ImageSize, most: Int, checkpoint: Checkpoint?, outputs: [URL],
        complain: (any Error) -> Void
    ) throws -> [Image] {
        if let indices {
            let trained = try checkpoint.map { try DatasetSpecification(trainedOn: $0, option: Self.data) }
            guard let data = self.data ?? trained else {
                throw UsageError.other("\(Self.data.spelling) <dataset> is required: no checkpoint says it")
            }
            return try load(indices, most: most, of: data)
        }
        let files = paths.flatMap { path in
            do {
                return path == "-" ? [path] : try ImageFiles.paths(at: path)
            } catch {
                complain(error)
                return []
            }
        }
        try Self.check(files.count, most: most)
        for output in outputs { try output.checkReplacesNone(of: files.map { URL(fileURLWithPath: $0) }) }
        return files.compactMap { file in
            do {
                let url = URL(fileURLWithPath: file == "-" ? "/dev/stdin" : file)
                return Image(title: file, image: try PixelImage(contentsOf: url, atLeast: size))
            } catch {
                complain(error)
                return nil
            }
        }
    }

    private func load(_ indices: [Int], most: Int, of data: DatasetSpecification) throws -> [Image] {
        try Self.check(indices.count, most: most)
        let images = try data.loadTest()
        return try indices.map { index in
            guard index < images.count else {
                throw CommandError(
                    "\(Self.index.spelling) names image \(index); \(data) has \(images.count.counted("test image"))"
                )
            }
            return Image(
                title: "\(images.name) \(index)", image: try images.image(index),
                label: images.classNames[images.label(of: index)])
        }
    }

    private static func check(_ count: Int, most: Int) throws {
        guard count <= most else {
            throw CommandError("found \(count.counted("image")), expected at most \(most) at once")
        }
    }
}
