import ApusData
import ApusKernels
import ApusNN
import ApusTraining

/// Images in arrays, `[channels, height, width]`.
final class FloatImages: BatchSource {
    let images: [[Float]]

    init(_ images: [[Float]]) { self.images = images }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        tensor.load(index, channelsFirst: images[position])
    }

    func label(at position: Int) -> Int { 0 }
}

extension Network {
    /// What the network makes of images, one after the other.
    func outputs(_ images: [[Float]]) throws -> [Float] {
        let executor = try Executor(
            self, batchSize: images.count, workers: Workers(count: 1), isTraining: false)
        _ = executor.infer(FloatImages(images), count: images.count)
        return withExtendedLifetime(executor) { executor.outputs.channelsFirstArray }
    }

    /// A parameter's elements.
    func values(_ name: String) throws -> [Float] { values(of: try parameter(named: name)) }

    /// Sets a parameter's elements.
    func set(_ name: String, _ values: [Float]) throws {
        try setValues(values, of: try parameter(named: name))
    }
}

extension Classifier {
    /// A classifier of layers, whose classes are numbers.
    convenience init(_ layers: Sequential, input: Shape, layout: Layout = .channelsFirst) throws {
        let network = try Network(layers, input: input, seed: 3, layout: layout)
        let zeros = [Double](repeating: 0, count: input.channels)
        try self.init(
            modelName: "task", network: network, classNames: (0..<network.output.channels).map(String.init),
            normalization: Normalization(mean: zeros, deviation: zeros.map { $0 + 1 }))
    }
}
