import ApusFormats
import ApusKernels
import Foundation

extension ImageFolder {
    /// What a folder to test on may be called, beside one called `train`; of several the first is taken.
    private static let testFolders = ["val", "valid", "validation", "test"]
    private static let trainFolder = "train"

    /// The part of the images that is tested on where nothing is said.
    public static let defaultTestFraction = 0.2

    /// The images in `folder`, to train and to test on.
    ///
    /// Where it holds folders `train` and `val` (or `valid`, `validation` or `test`), these hold the classes; otherwise it
    /// does, or `train` where there is nothing else, and a part of each class's images is to test on. Which those
    /// are follows from `seed` and the files' names alone: a file that comes or goes moves hardly any other.
    ///
    /// Of each file the header is looked at, on all threads, and whether it goes on to the image's end.
    ///
    /// - Parameters:
    ///   - testFraction: the part to test on, by default a fifth; at least one image of each class that has two.
    ///   - isStrict: whether a file that is no whole image is an error; otherwise it is left out, and `skipped` of
    ///     the training images, or of the test folder's, holds it.
    /// - Throws: `DataError` where the folder or its classes are missing or empty; `FileError` or `FormatError`
    ///   of the first file that is no whole image, if that is an error.
    public static func splits(
        at folder: String, testFraction: Double? = nil, seed: UInt64 = 0, isStrict: Bool = false
    ) throws -> (train: ImageFolder, test: ImageFolder) {
        let hint = "name a folder that holds one for each class: folder=DIR"
        try DataError.requireFolder(at: folder, hint: hint)
        let folders = try FolderListing.folders(in: folder)
        let hasTrain = folders.contains(trainFolder)
        let name = URL(fileURLWithPath: folder).lastPathComponent
        if hasTrain, let test = testFolders.first(where: folders.contains) {
            guard testFraction == nil else {
                throw DataError.invalidArgument(
                    argument: folder, reason: "a part to test on is asked for, but there is a folder \(test)")
            }
            let training = try ClassFolders(at: "\(folder)/\(trainFolder)")
            let testing = try ClassFolders(at: "\(folder)/\(test)", among: training.classNames)
            let (train, others) = (
                try CheckedFiles(training, isStrict: isStrict), try CheckedFiles(testing, isStrict: isStrict)
            )
            return try (
                ImageFolder(name, trainFolder, training, train, alike: others),
                ImageFolder(name, test, training, others, alike: train)
            )
        }
        let classes = try ClassFolders(
            at: hasTrain && folders.count == 1 ? "\(folder)/\(trainFolder)" : folder)
        let checked = try CheckedFiles(classes, isStrict: isStrict)
        let (train, test) = checked.split(
            testFraction: testFraction ?? defaultTestFraction, seed: seed, classes: classes.classNames.count)
        return try (
            ImageFolder(name, trainFolder, classes, train, alike: test),
            ImageFolder(name, "test", classes, test, alike: train)
        )
    }

    /// The dataset of some of the files; what it says of all images is true of those of `other` too.
    private init(
        _ name: String, _ split: String, _ classes: ClassFolders, _ checked: CheckedFiles,
        alike other: CheckedFiles
    ) throws {
        let headers = checked.headers + other.headers
        let size = headers.first?.size
        try self.init(
            name: name, split: split, classNames: classes.classNames,
            channels: headers.allSatisfy { $0.channels == 1 } ? 1 : 3,
            imageSize: headers.allSatisfy { $0.size == size } ? size : nil, files: checked.files,
            sizes: checked.headers.map(\.size), skipped: checked.skipped)
    }
}

/// The folders of classes in a folder, and the files in them that are images by their names.
private struct ClassFolders {
    let classNames: [String]
    let files: [ImageFolder.LabelledFile]

    /// - Parameter known: the classes there may be; by default those that there are, none of them empty.
    init(at path: String, among known: [String]? = nil) throws {
        let folders = try FolderListing.folders(in: path)
        guard !folders.isEmpty else { throw DataError.noClasses(folder: path) }
        let classNames = known ?? folders
        self.classNames = classNames
        files = try folders.flatMap { folder in
            guard let label = classNames.firstIndex(of: folder) else {
                throw DataError.unknownClass(folder: path, name: folder)
            }
            let names = try FolderListing.images(in: "\(path)/\(folder)")
            guard known != nil || !names.isEmpty else {
                throw DataError.noImages(dataset: "\(path)/\(folder)")
            }
            return names.map { ImageFolder.LabelledFile(path: "\(path)/\(folder)/\($0)", label: label) }
        }
    }
}

/// Files that are whole images, as far as their headers and ends tell, and those that are not.
private struct CheckedFiles {
    private(set) var files: [ImageFolder.LabelledFile] = []
    private(set) var headers: [ImageHeader] = []
    private(set) var skipped: [SkippedImage] = []

    private init() {}

    init(_ classes: ClassFolders, isStrict: Bool) throws {
        let files = classes.files
        let results = Workers().map(count: files.count) { index in
            Result { try ImageHeader(contentsOf: URL(fileURLWithPath: files[index].path)) }
        }
        for (file, result) in zip(files, results) {
            switch result {
            case .success(let header): append(file, header)
            case .failure(let error) where isStrict: throw error
            case .failure(let error): skipped.append(SkippedImage(path: file.path, error: error))
            }
        }
    }

    private mutating func append(_ file: ImageFolder.LabelledFile, _ header: ImageHeader) {
        files.append(file)
        headers.append(header)
    }

    /// Gives of each class the images whose names a seed makes come first to the second part.
    func split(testFraction: Double, seed: UInt64, classes: Int) -> (train: CheckedFiles, test: CheckedFiles)
    {
        var (train, test) = (CheckedFiles(), CheckedFiles())
        train.skipped = skipped
        var places = [[Int]](repeating: [], count: classes)
        for (place, file) in files.enumerated() { places[file.label].append(place) }
        for places in places {
            let ranked = places.map { (place: $0, rank: Self.rank(of: files[$0].path, seed: seed)) }
                .sorted { ($0.rank, $0.place) < ($1.rank, $1.place) }
            let wanted = Int((Double(places.count) * testFraction).rounded())
            let tested = Set(ranked.prefix(max(0, min(max(1, wanted), places.count - 1))).map(\.place))
            for place in places {
                if tested.contains(place) {
                    test.append(files[place], headers[place])
                } else {
                    train.append(files[place], headers[place])
                }
            }
        }
        return (train, test)
    }

    /// A random number for a file, the same wherever its folder lies.
    private static func rank(of path: String, seed: UInt64) -> UInt64 {
        let name = path.split(separator: "/").suffix(2).joined(separator: "/")
        let random = CounterRandom(
            seed: seed, purpose: .sampling, unit: 1, epoch: Int(CRC32.checksum(Data(name.utf8))))
        let words = random.words(block: 0)
        return UInt64(words.x) << 32 | UInt64(words.y)
    }
}
