import ApusFormats
import ApusKernels
import Foundation

/// Which dataset to load, as written in a data argument.
///
/// | argument | dataset |
/// |---|---|
/// | `fashion-mnist` | Fashion-MNIST as Debian installs it |
/// | `fashion-mnist=DIR` | Fashion-MNIST from the four files in `DIR` |
/// | `mnist=DIR` | MNIST from the four files in `DIR` |
/// | `cifar10=DIR`, `cifar100=DIR` | CIFAR in its binary version, from the files in `DIR` |
/// | `folder=DIR` | JPEG and PNG files, a folder for each class; see `ImageFolder` |
/// | `folder=DIR,test=0.1,seed=2` | the same, and which part of them is to test on |
/// | `synthetic` | 60,000 generated images, and 10,000 to test on |
/// | `synthetic=COUNT` | `COUNT` generated images, and a sixth of that to test on |
public enum DatasetSpecification: Sendable, Equatable, CustomStringConvertible {
    case fashionMNIST(folder: String)
    case mnist(folder: String)
    case cifar10(folder: String)
    case cifar100(folder: String)
    case folder(String, testFraction: Double? = nil, seed: UInt64? = nil)
    case synthetic(count: Int)

    /// Where Debian's package `dataset-fashion-mnist` puts its files.
    public static let debianFashionMNIST = "/usr/share/datasets/fashion-mnist"

    /// The names that an argument may begin with.
    public static let names = ["fashion-mnist", "mnist", "cifar10", "cifar100", "folder", "synthetic"]

    /// Generated training images where the argument gives no count.
    private static let defaultSyntheticCount = 60_000

    /// More generated images (of 784 bytes) than this are taken for a slip of the hand.
    private static let largestSyntheticCount = 1_000_000

    /// Parses a data argument; a relative folder is taken from the working folder, and made absolute.
    ///
    /// - Throws: `DataError.unknownDataset` or `.invalidArgument`.
    public init(parsing argument: String) throws {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(parts[0])
        let value = parts.count == 2 ? String(parts[1]) : nil
        func invalid(_ reason: String) -> DataError { .invalidArgument(argument: argument, reason: reason) }
        if value == "" { throw invalid("nothing follows the '='") }

        switch name {
        case "fashion-mnist":
            self = .fashionMNIST(folder: value.map(Self.absolute) ?? Self.debianFashionMNIST)
        case "mnist":
            guard let value else { throw invalid("it lacks a folder; \(MNISTFamily.digits.hint)") }
            self = .mnist(folder: Self.absolute(value))
        case "cifar10":
            guard let value else { throw invalid("it lacks a folder; \(CIFARFamily.ten.hint)") }
            self = .cifar10(folder: Self.absolute(value))
        case "cifar100":
            guard let value else { throw invalid("it lacks a folder; \(CIFARFamily.hundred.hint)") }
            self = .cifar100(folder: Self.absolute(value))
        case "folder":
            guard let value else { throw invalid("it lacks a folder: folder=DIR") }
            self = try Self.folder(parsing: value, invalid)
        case "synthetic":
            guard let count = value.map({ Int($0) }) ?? Self.defaultSyntheticCount,
                1...Self.largestSyntheticCount ~= count
            else { throw invalid("expected a count of 1 to \(Self.largestSyntheticCount) images") }
            self = .synthetic(count: count)
        default:
            throw DataError.unknownDataset(
                name: name, known: Self.names,
                suggestion: NearestName.suggestion(for: name, among: Self.names))
        }
    }

    /// The argument that says the same.
    public var description: String {
        switch self {
        case .fashionMNIST(Self.debianFashionMNIST): "fashion-mnist"
        case .fashionMNIST(let folder): "fashion-mnist=\(folder)"
        case .mnist(let folder): "mnist=\(folder)"
        case .cifar10(let folder): "cifar10=\(folder)"
        case .cifar100(let folder): "cifar100=\(folder)"
        case .folder(let folder, let testFraction, let seed):
            "folder=\(folder)" + (testFraction.map { ",test=\($0)" } ?? "")
                + (seed.map { ",seed=\($0)" } ?? "")
        case .synthetic(let count): "synthetic=\(count)"
        }
    }

    /// Reads or generates the dataset, or looks at the files that it will be read from.
    ///
    /// - Parameters:
    ///   - seed: tells generated datasets apart, and draws the images that statistics are computed over where those
    ///     are many files.
    ///   - normalization: by default what the dataset is known for, or the statistics of its training images; of a
    ///     single channel, it is every channel's.
    ///   - isStrict: whether a file that is no whole image is an error; otherwise it is left out.
    /// - Throws: `DataError` where the dataset is missing (saying how to get it) or inconsistent, `FileError` or
    ///   `FormatError` where a file cannot be read.
    public func load(
        seed: UInt64 = 0, normalization: Normalization? = nil, isStrict: Bool = false
    ) throws -> DatasetSplits {
        let (train, test) = try splits(seed: seed, isStrict: isStrict)
        let given = normalization.map {
            $0.channels == 1 ? $0.repeated(channels: train.channels) : $0
        }
        return try DatasetSplits(
            train: train, test: test, normalization: given ?? statistics(of: train, seed: seed))
    }

    /// The images to test on alone; what was trained on knows its statistics.
    ///
    /// - Throws: As `load`.
    public func loadTest(seed: UInt64 = 0, isStrict: Bool = false) throws -> any Dataset {
        try splits(seed: seed, isStrict: isStrict).test
    }

    private func splits(seed: UInt64, isStrict: Bool) throws -> (train: any Dataset, test: any Dataset) {
        switch self {
        case .fashionMNIST(let folder): return try MNISTFamily.fashion.load(from: folder)
        case .mnist(let folder): return try MNISTFamily.digits.load(from: folder)
        case .cifar10(let folder): return try CIFARFamily.ten.load(from: folder)
        case .cifar100(let folder): return try CIFARFamily.hundred.load(from: folder)
        case .folder(let folder, let testFraction, let seed):
            return try ImageFolder.splits(
                at: folder, testFraction: testFraction, seed: seed ?? 0, isStrict: isStrict)
        case .synthetic(let count):
            func generate(_ count: Int, split: String) throws -> ImageDataset {
                let shape = Shape(height: 28, width: 28, channels: 1)
                return try .synthetic(count: count, shape: shape, classes: 10, seed: seed, split: split)
            }
            return try (generate(count, split: "train"), generate((count + 5) / 6, split: "test"))
        }
    }

    private func statistics(of train: any Dataset, seed: UInt64) throws -> Normalization {
        switch self {
        case .fashionMNIST: return .fashionMNIST
        case .mnist: return .mnist
        case .cifar10, .cifar100, .folder, .synthetic:
            guard let images = train as? ImageDataset else { return try Normalization(of: train, seed: seed) }
            let (mean, deviation) = images.pixelStatistics()
            return try Normalization(mean: mean, deviation: deviation)
        }
    }

    /// A folder, and perhaps `,test=FRACTION` and `,seed=N` after it.
    private static func folder(
        parsing value: String, _ invalid: (String) -> DataError
    ) throws -> DatasetSpecification {
        var path = value[...]
        var (testFraction, seed): (Double?, UInt64?)
        while let comma = path.lastIndex(of: ",") {
            let setting = path[path.index(after: comma)...]
            if testFraction == nil, setting.hasPrefix("test=") {
                guard let fraction = Double(setting.dropFirst(5)), fraction > 0, fraction < 1 else {
                    throw invalid("expected test= and a part between 0 and 1, such as test=0.2")
                }
                testFraction = fraction
            } else if seed == nil, setting.hasPrefix("seed=") {
                guard let number = UInt64(setting.dropFirst(5)) else {
                    throw invalid("expected seed= and a whole number")
                }
                seed = number
            } else {
                break
            }
            path = path[..<comma]
        }
        guard !path.isEmpty else { throw invalid("it lacks a folder: folder=DIR") }
        return .folder(absolute(String(path)), testFraction: testFraction, seed: seed)
    }

    /// A path that means the same in every working folder.
    private static func absolute(_ path: String) -> String {
        // Shells leave the `~` of `name=~/folder` to the program.
        let expanded = path.hasPrefix("~") ? NSString(string: path).expandingTildeInPath : path
        return URL(fileURLWithPath: expanded).standardizedFileURL.path
    }
}
