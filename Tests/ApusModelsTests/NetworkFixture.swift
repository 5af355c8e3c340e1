import ApusKernels
import ApusModels
import ApusNN
import TestSupport

/// A network with the parameters, images and labels of its fixture.
struct NetworkFixture {
    static let batch = 8

    let network: Network
    let expected: SafetensorsFixture

    init(_ name: String, layout: Layout) throws {
        let type = ModelCatalog.model(named: name)!
        network = try Network(type.init(classes: 10), layout: layout)
        expected = try SafetensorsFixture(named: name)
        for (index, parameter) in network.parameters.enumerated() {
            // Weight and bias of a layer share the fan-in of the weight.
            let weight = network.parameters[index / 2 * 2]
            let fanIn = weight.shape.dropFirst().reduce(1, *)
            try network.setValues(
                FormulaWeights.parameter(index, count: parameter.count, fanIn: fanIn), of: parameter)
        }
    }

    func executor(threads: Int = 2, keepsInputGradient: Bool = false) throws -> Executor {
        try Executor(
            network, batchSize: Self.batch, workers: Workers(count: threads),
            keepsInputGradient: keepsInputGradient)
    }

    var source: some BatchSource {
        FormulaBatch(images: FormulaWeights.images(count: Self.batch * network.input.count), network.input)
    }
}

private final class FormulaBatch: BatchSource {
    private let images: [Float]
    private let shape: Shape

    init(images: [Float], _ shape: Shape) {
        self.images = images
        self.shape = shape
    }

    func load(_ position: Int, into tensor: Tensor, at index: Int) {
        let image = images[position * shape.count..<(position + 1) * shape.count]
        tensor.load(index, channelsFirst: Array(image))
    }

    func label(at position: Int) -> Int { position % 10 }
}
