import ApusFormats
import ApusKernels
import Foundation

/// CIFAR-10 and CIFAR-100 in their binary version (Krizhevsky, 2009, "Learning Multiple Layers of Features from Tiny
/// Images"): 32x32 colour images, each after its label, the planes of red, green and blue one after the other.
struct CIFARFamily {
    private static let shape = Shape(height: 32, width: 32, channels: 3)

    let name: String
    /// The folder that the archive holds.
    let folder: String
    let trainFiles: [String]
    let testFiles: [String]
    /// Bytes before an image; the last one is its class.
    let labelBytes: Int
    /// The file that names the classes, a line for each.
    let namesFile: String
    /// The names where that file is missing.
    let classNames: [String]
    let hint: String

    static let ten = CIFARFamily(
        name: "cifar10", folder: "cifar-10-batches-bin",
        trainFiles: (1...5).map { "data_batch_\($0).bin" }, testFiles: ["test_batch.bin"], labelBytes: 1,
        namesFile: "batches.meta.txt",
        classNames: [
            "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
        ],
        hint: "fetch it with 'apus download cifar10' (its binary version is at "
            + "https://www.cs.toronto.edu/~kriz/cifar.html) and name the folder: cifar10=DIR")

    static let hundred = CIFARFamily(
        name: "cifar100", folder: "cifar-100-binary", trainFiles: ["train.bin"], testFiles: ["test.bin"],
        labelBytes: 2, namesFile: "fine_label_names.txt", classNames: (0..<100).map { "class \($0)" },
        hint: "fetch the binary version from https://www.cs.toronto.edu/~kriz/cifar.html and name the folder "
            + "that its .bin files are in: cifar100=DIR")

    /// Reads both splits from `path`, or from the archive's folder in it.
    func load(from path: String) throws -> (train: ImageDataset, test: ImageDataset) {
        try DataError.requireFolder(at: path, hint: hint)
        let inner = "\(path)/\(folder)"
        let base = FileManager.default.fileExists(atPath: inner) ? inner : path
        let classNames = try classNames(in: base)
        return try (
            load("train", trainFiles, from: base, classNames), load("test", testFiles, from: base, classNames)
        )
    }

    private func load(
        _ split: String, _ files: [String], from base: String, _ classNames: [String]
    ) throws -> ImageDataset {
        var (pixels, labels) = ([UInt8](), [UInt16]())
        for name in files {
            let url = URL(fileURLWithPath: "\(base)/\(name)")
            guard FileManager.default.fileExists(atPath: url.path) else {
                throw DataError.missingFile(folder: base, names: [name], hint: hint)
            }
            try append(WholeFile.contents(of: url), file: url.path, to: &pixels, &labels)
        }
        return try ImageDataset(
            name: name, split: split, shape: Self.shape, pixels: pixels, labels: labels,
            classNames: classNames)
    }

    /// Takes the records of a file apart.
    private func append(
        _ bytes: Data, file: String, to pixels: inout [UInt8], _ labels: inout [UInt16]
    ) throws {
        let plane = Self.shape.pixels
        let record = labelBytes + Self.shape.count
        guard bytes.count.isMultiple(of: record) else {
            throw DataError.truncated(
                file: file, found: bytes.count, expected: (bytes.count / record + 1) * record)
        }
        pixels.reserveCapacity(pixels.count + bytes.count / record * Self.shape.count)
        bytes.withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count, by: record) {
                labels.append(UInt16(bytes[start + labelBytes - 1]))
                for pixel in start + labelBytes..<start + labelBytes + plane {
                    for channel in 0..<3 { pixels.append(bytes[pixel + channel * plane]) }
                }
            }
        }
    }

    private func classNames(in base: String) throws -> [String] {
        let url = URL(fileURLWithPath: "\(base)/\(namesFile)")
        guard FileManager.default.fileExists(atPath: url.path) else { return classNames }
        let text = String(decoding: try WholeFile.contents(of: url), as: UTF8.self)
        let names = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .filter { !$0.isEmpty }
        guard names.count == classNames.count else {
            throw FormatError(
                file: url.path, offset: 0, found: "\(names.count) names", expected: "\(classNames.count)")
        }
        return names
    }
}
