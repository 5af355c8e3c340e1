import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
import Foundation
import TestSupport

extension URL {
    /// Writes a file of tensors into this folder, and returns its path.
    func write(_ tensors: [FileTensor], to name: String, metadata: [String: String] = [:]) throws -> String {
        let file = appending(path: name)
        try TensorFile(tensors, metadata: metadata).write(to: file)
        return file.path
    }

    /// Reads a file of tensors in this folder.
    func tensors(_ name: String) throws -> TensorFile { try TensorFile(contentsOf: appending(path: name)) }
}

extension TensorFile {
    /// The elements of a tensor; none where there is no such tensor.
    func floats(_ name: String) -> [Float] { self[name]?.floats ?? [] }
}

/// A batch of the formula's images, whose labels count up to nine and begin anew.
final class FormulaBatch: BatchSource {
    let count: Int
    let shape: Shape
    let images: [Float]

    init(count: Int, shape: Shape) {
        self.count = count
        self.shape = shape
        images = FormulaWeights.images(count: count * shape.count)
    }

    /// What `apus run` reads of the batch.
    var tensors: [FileTensor] {
        [
            FileTensor(
                name: "input", shape: [count, shape.channels, shape.height, shape.width], floats: images),
            FileTensor(name: "labels", shape: [count], integers: (0..<count).map { Int64(label(at: $0)) }),
        ]
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        tensor.load(
            index, channelsFirst: Array(images[position * shape.count..<(position + 1) * shape.count]))
    }

    func label(at position: Int) -> Int { position % 10 }
}

extension Network {
    /// Sets the parameters to those of the fixtures.
    func setFormulaWeights() throws {
        for (index, parameter) in parameters.enumerated() {
            // Weight and bias of a layer share the fan-in of the weight.
            let fanIn = parameters[index / 2 * 2].shape.dropFirst().reduce(1, *)
            try setValues(
                FormulaWeights.parameter(index, count: parameter.count, fanIn: fanIn), of: parameter)
        }
    }
}
