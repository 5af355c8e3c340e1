import ApusFormats
import Foundation
import Testing

/// Small image files, and what they hold, as `Fixtures/Images/generate.py` has written them.
struct ImageFixtures {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/Images")

    /// Each of the files, and of their images at reduced size: `halved.jpg`, `halved.jpg@23x35`.
    static let names = expected.keys.sorted()
    static let files = names.filter { !$0.contains("@") }

    private static let expected: [String: FileTensor] = {
        let archive = try? NumPyArchive.read(folder.appending(path: "expected.npz"))
        return Dictionary(uniqueKeysWithValues: (archive?.tensors ?? []).map { ($0.name, $0) })
    }()

    static func url(_ name: String) -> URL { folder.appending(path: String(name.prefix { $0 != "@" })) }

    static func bytes(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }

    /// What the file holds.
    static func image(_ name: String) throws -> PixelImage {
        let tensor = try #require(expected[name])
        return PixelImage(
            height: tensor.shape[0], width: tensor.shape[1], channels: tensor.shape[2],
            samples: Array(tensor.bytes))
    }
}

extension PixelImage {
    /// The greatest difference of two samples; nil where the images differ in extent.
    func greatestDifference(from other: PixelImage) -> Int? {
        guard (height, width, channels) == (other.height, other.width, other.channels) else { return nil }
        return zip(samples, other.samples).map { abs(Int($0) - Int($1)) }.max()
    }
}
