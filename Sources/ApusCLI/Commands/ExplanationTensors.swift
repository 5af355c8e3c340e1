import ApusAnalysis
import ApusFormats

/// Explanations as tensors of a file.
struct ExplanationTensors {
    /// How many there are.
    static let count = 6

    private let explainer: Explainer

    init(_ explainer: Explainer) { self.explainer = explainer }

    /// | tensor | shape | |
    /// |---|---|---|
    /// | `maps` | `[images, height, width]` | as the method gives them |
    /// | `maps.resized` | `[images, height, width]` | of the size of the network's input |
    /// | `input` | `[images, channels, height, width]` | what the network saw |
    /// | `classes` | `[images]` | the numbers of the classes that are explained |
    /// | `scores` | `[images]` | their logits |
    /// | `probabilities` | `[images, classes]` | the softmax of all logits |
    ///
    /// - Throws: `AllocationError` where memory runs out.
    func file(of explanations: [Explanation], images: [PixelImage]) throws -> TensorFile {
        let count = explanations.count
        func maps(_ name: String, _ maps: [AttributionMap]) -> FileTensor {
            FileTensor(
                name: name, shape: [count, maps[0].height, maps[0].width], floats: maps.flatMap(\.values))
        }
        let input = explainer.network.input
        return TensorFile([
            maps("maps", explanations.map(\.map)),
            maps("maps.resized", try explanations.map { try $0.mapOfInput() }),
            FileTensor(
                name: "input", shape: [count, input.channels, input.height, input.width],
                floats: try images.flatMap { try explainer.input($0) }),
            FileTensor(
                name: "classes", shape: [count], integers: explanations.map { Int64($0.classIndex) }),
            FileTensor(name: "scores", shape: [count], floats: explanations.map(\.score)),
            FileTensor(
                name: "probabilities", shape: [count, explainer.classNames.count],
                floats: explanations.flatMap(\.prediction.probabilities)),
        ])
    }
}
