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
/// | `synthetic` | 60,000 generated images, and 10,000 to test on |
/// | `synthetic=COUNT` | `COUNT` generated images, and a sixth of that to test on |
public enum DatasetSpecification: Sendable, Equatable, CustomStringConvertible {
    case fashionMNIST(folder: String)
    case mnist(folder: String)
    case synthetic(count: Int)

    /// Where Debian's package `dataset-fashion-mnist` puts its files.
    public static let debianFashionMNIST = "/usr/share/datasets/fashion-mnist"

    /// The names that an argument may begin with.
    public static let names = ["fashion-mnist", "mnist", "synthetic"]

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
        case .synthetic(let count): "synthetic=\(count)"
        }
    }

    /// Reads or generates the dataset; `seed` tells generated ones apart.
    ///
    /// - Throws: `DataError` where it is missing (saying how to get it) or inconsistent, `FileError` or
    ///   `FormatError` where a file cannot be read.
    public func load(seed: UInt64 = 0) throws -> DatasetSplits {
        switch self {
        case .fashionMNIST(let folder): return try MNISTFamily.fashion.load(from: folder)
        case .mnist(let folder): return try MNISTFamily.digits.load(from: folder)
        case .synthetic(let count):
            func generate(_ count: Int, split: String) throws -> ImageDataset {
                let shape = Shape(height: 28, width: 28, channels: 1)
                return try .synthetic(count: count, shape: shape, classes: 10, seed: seed, split: split)
            }
            let train = try generate(count, split: "train")
            let test = try generate((count + 5) / 6, split: "test")
            let (mean, deviation) = train.pixelStatistics()
            return try DatasetSplits(
                train: train, test: test, normalization: Normalization(mean: mean, deviation: deviation))
        }
    }

    /// A path that means the same in every working folder.
    private static func absolute(_ path: String) -> String {
        // Shells leave the `~` of `name=~/folder` to the program.
        let expanded = path.hasPrefix("~") ? NSString(string: path).expandingTildeInPath : path
        return URL(fileURLWithPath: expanded).standardizedFileURL.path
    }
}
