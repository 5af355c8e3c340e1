import ApusKernels
import Foundation

/// MNIST and the datasets made in its image: four IDX files in a folder, 10 classes of grey images.
struct MNISTFamily {
    let name: String
    let classNames: [String]
    let normalization: Normalization
    /// How to get the files, for whoever lacks them.
    let hint: String

    /// MNIST (LeCun, Bottou, Bengio and Haffner, 1998, "Gradient-Based Learning Applied to Document
    /// Recognition").
    static let digits = MNISTFamily(
        name: "mnist", classNames: (0...9).map(String.init), normalization: .mnist,
        hint: "fetch it with 'apus download mnist' (its four .gz files are at "
            + "https://ossci-datasets.s3.amazonaws.com/mnist/) and name the folder: mnist=DIR")

    /// Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
    /// Machine Learning Algorithms").
    static let fashion = MNISTFamily(
        name: "fashion-mnist",
        classNames: [
            "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
            "Ankle boot",
        ],
        normalization: .fashionMNIST,
        hint: "install it with 'apt-get install dataset-fashion-mnist' (Debian, Ubuntu), or fetch it with "
            + "'apus download fashion-mnist' and name the folder: fashion-mnist=DIR")

    /// Reads both splits from `folder`.
    func load(from folder: String) throws -> (train: ImageDataset, test: ImageDataset) {
        try DataError.requireFolder(at: folder, hint: hint)
        return try (
            loadSplit("train", prefix: "train", folder: folder),
            loadSplit("test", prefix: "t10k", folder: folder)
        )
    }

    private func loadSplit(_ split: String, prefix: String, folder: String) throws -> ImageDataset {
        try ImageDataset(
            name: name, split: split, imagesAt: find("\(prefix)-images", rank: 3, in: folder),
            labelsAt: find("\(prefix)-labels", rank: 1, in: folder), classNames: classNames)
    }

    /// The file of that stem; mirrors write `-idx3` or `.idx3`, and leave it compressed or not.
    private func find(_ stem: String, rank: Int, in folder: String) throws -> URL {
        let names = ["-", "."].flatMap { separator in
            ["", ".gz"].map { "\(stem)\(separator)idx\(rank)-ubyte\($0)" }
        }
        let folderURL = URL(fileURLWithPath: folder, isDirectory: true)
        guard
            let name = names.first(where: {
                FileManager.default.fileExists(atPath: folderURL.appendingPathComponent($0).path)
            })
        else { throw DataError.missingFile(folder: folder, names: names, hint: hint) }
        return folderURL.appendingPathComponent(name)
    }
}
