import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining
import Foundation

/// The images of a file, ready for a network, and their classes if it has them.
final class BatchFile: BatchSource {
    /// Images, as many as the first extent says.
    let count: Int
    /// The extent of an image.
    let shape: Shape
    let labels: [Int64]?
    private let path: String
    private let images: [Float]

    /// Reads `input`, `[images, channels, height, width]` in single precision, and `labels`, `[images]`, if
    /// there are any; other tensors are left alone. A lone tensor is the input whatever its name.
    ///
    /// - Throws: `CommandError` where they are not these; `FileError` or `FormatError` where there is no file
    ///   of tensors.
    init(_ path: String) throws {
        let url = URL(fileURLWithPath: path)
        self.path = RunFolder.shown(url.path)
        let file = try TensorFile(contentsOf: url)
        guard let input = file["input"] ?? (file.tensors.count == 1 ? file.tensors[0] : nil) else {
            let nearest = NearestName.suggestion(for: "input", among: file.tensors.map(\.name))
            throw CommandError(
                "\(self.path) has no tensor 'input'"
                    + (nearest.map { "; is it the one that is called '\($0)'?" } ?? ""))
        }
        guard input.elementType == .float32 else {
            throw CommandError(
                "\(self.path), tensor input: found \(input.elementType.rawValue), expected float32")
        }
        guard input.shape.count == 4, input.shape.allSatisfy({ $0 > 0 }) else {
            throw CommandError(
                "\(self.path), tensor input: found the shape \(input.shape), expected [images, channels, "
                    + "height, width]")
        }
        count = input.shape[0]
        shape = Shape(height: input.shape[2], width: input.shape[3], channels: input.shape[1])
        images = input.floats
        labels = try file["labels"].map { [path = self.path, count] in
            guard let labels = $0.integers else {
                throw CommandError(
                    "\(path), tensor labels: found \($0.elementType.rawValue), expected whole numbers")
            }
            guard $0.shape == [count] else {
                throw CommandError(
                    "\(path), tensor labels: found the shape \($0.shape), expected [\(count)], one for each "
                        + "image")
            }
            return labels
        }
    }

    /// - Throws: `CommandError` where a label is none of `classes` classes.
    func checkLabels(classes: Int) throws {
        let known = 0..<Int64(classes)
        guard let labels, let index = labels.firstIndex(where: { !known.contains($0) }) else { return }
        throw CommandError(
            "\(path), tensor labels: found \(labels[index]) for image \(index), expected 0 to \(classes - 1)")
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        tensor.load(
            index, channelsFirst: Array(images[position * shape.count..<(position + 1) * shape.count]))
    }

    func label(at position: Int) -> Int { labels.map { Int($0[position]) } ?? 0 }
}
