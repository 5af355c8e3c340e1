import Foundation

/// A dataset cannot be found, read or used as asked.
public enum DataError: Error, Sendable, Equatable, CustomStringConvertible {
    /// No folder at `path`; `hint` says how to get the dataset.
    case missingFolder(path: String, hint: String)
    /// Something else than a folder at `path`.
    case notAFolder(path: String, hint: String)
    /// None of the files `names` is in `folder`.
    case missingFile(folder: String, names: [String], hint: String)

    /// An IDX file begins with other bytes than it should (both in hexadecimal).
    case wrongMagic(file: String, found: String, expected: String)
    /// A file ends after `found` bytes (decompressed) where its header promises `expected`.
    case truncated(file: String, found: Int, expected: Int)
    /// A file goes on after the `expected` bytes (decompressed) that its header promises.
    case trailingBytes(file: String, expected: Int)
    /// A file's header names dimensions that no images have.
    case absurdSizes(file: String, dimensions: [Int])
    /// Two files of one split differ in how many images they describe.
    case countMismatch(imageFile: String, images: Int, labelFile: String, labels: Int)

    /// A dataset without images.
    case noImages(dataset: String)
    /// A folder without the folders that would be classes.
    case noClasses(folder: String)
    /// A class to test on that there is none to train on for.
    case unknownClass(folder: String, name: String)
    /// Images of differing sizes, of which nobody said what they are to become.
    case noImageSize(dataset: String)
    /// A count of classes outside 1...65,536.
    case invalidClassCount(dataset: String, found: Int)
    /// A label outside 0..<classes.
    case labelOutOfRange(dataset: String, index: Int, label: Int, classes: Int)
    /// A height, width or number of channels below 1, or too large to be held.
    case invalidShape(dataset: String, shape: String)
    /// `pixels` does not hold `count` images of `shape`.
    case pixelCountMismatch(dataset: String, found: Int, count: Int, shape: String)
    /// A subset asked for an image that is not there.
    case indexOutOfRange(dataset: String, index: Int, count: Int)
    /// A training and a test split of different images or classes.
    case splitMismatch(train: String, test: String)
    /// Images of another extent than is to be preprocessed.
    case shapeMismatch(dataset: String, found: String, expected: String)
    /// Images whose channels do not become those of a network's input.
    case channelMismatch(image: String, input: String)
    /// Normalization constants that are unusable, or not for these images.
    case invalidNormalization(reason: String)

    /// A data argument whose name is not known; `suggestion` is the nearest that is.
    case unknownDataset(name: String, known: [String], suggestion: String?)
    /// A data argument whose name is known and whose value is missing or wrong.
    case invalidArgument(argument: String, reason: String)

    public var description: String {
        switch self {
        case .missingFolder(let path, let hint):
            "no folder \(path); \(hint)"
        case .notAFolder(let path, let hint):
            "\(path) is not a folder; \(hint)"
        case .missingFile(let folder, let names, let hint):
            "no \(names.joined(separator: " or ")) in \(folder); \(hint)"
        case .wrongMagic(let file, let found, let expected):
            "\(file), byte 0: found \(found), expected \(expected)"
        case .truncated(let file, let found, let expected):
            "\(file): found the end of the contents after \(found) bytes, expected \(expected)"
        case .trailingBytes(let file, let expected):
            "\(file): found more contents after \(expected) bytes, expected the end of the file"
        case .absurdSizes(let file, let dimensions):
            "\(file): found the dimensions \(dimensions.map(String.init).joined(separator: " x ")), "
                + "expected those of images"
        case .countMismatch(let imageFile, let images, let labelFile, let labels):
            "\(imageFile) holds \(images) images and \(labelFile) \(labels) labels, expected as many of each"
        case .noImages(let dataset):
            "\(dataset): found no images, expected at least one"
        case .noClasses(let folder):
            "\(folder): found no folders in it, expected one for each class"
        case .unknownClass(let folder, let name):
            "\(folder): found the class \(name), expected those of the training images"
        case .noImageSize(let dataset):
            "\(dataset): found images of differing sizes, expected a size to resize them to"
        case .invalidClassCount(let dataset, let found):
            "\(dataset): found \(found) classes, expected 1 to \(ImageDataset.greatestClassCount)"
        case .labelOutOfRange(let dataset, let index, let label, let classes):
            "\(dataset): label \(index) is \(label), expected 0 to \(classes - 1)"
        case .invalidShape(let dataset, let shape):
            "\(dataset): found images of \(shape), expected height, width and channels of at least 1"
        case .pixelCountMismatch(let dataset, let found, let count, let shape):
            "\(dataset): found \(found) pixel values, expected \(count) images of \(shape)"
        case .indexOutOfRange(let dataset, let index, let count):
            "\(dataset): there is no image \(index), expected 0 to \(count - 1)"
        case .splitMismatch(let train, let test):
            "the splits differ: \(train) to train on, \(test) to test on"
        case .shapeMismatch(let dataset, let found, let expected):
            "\(dataset): found images of \(found), expected \(expected)"
        case .channelMismatch(let image, let input):
            "images of \(image) cannot become an input of \(input): only grey is repeated, and only colour "
                + "becomes grey"
        case .invalidNormalization(let reason):
            "normalization: \(reason)"
        case .unknownDataset(let name, let known, let suggestion):
            "unknown dataset '\(name)'" + (suggestion.map { "; did you mean '\($0)'?" } ?? "")
                + " (known: \(known.joined(separator: ", ")))"
        case .invalidArgument(let argument, let reason):
            "data argument '\(argument)': \(reason)"
        }
    }
}

extension DataError {
    /// Checks that a dataset's folder is there; `hint` says how to get the dataset.
    static func requireFolder(at path: String, hint: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DataError.missingFolder(path: path, hint: hint)
        }
        guard isFolder.boolValue else { throw DataError.notAFolder(path: path, hint: hint) }
    }
}
