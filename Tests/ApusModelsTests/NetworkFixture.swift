import ApusKernels
import ApusModels
import ApusNN
import ApusTraining
import TestSupport
import Testing

/// A network with the parameters, images and labels of its fixture.
struct NetworkFixture {
    let network: Network
    let expected: SafetensorsFixture
    let batch: Int
    /// The optimisers of the ten losses.
    let optimizers: [String: any Optimizer]
    /// How many times the error of PyTorch in single precision a gradient may have. Winograd's F(4x4, 5x5), by which 5x5
    /// convolutions go where images are last, rounds more: 10 times was measured.
    private let multiple: Double

    init(_ name: String, layout: Layout) throws {
        let model = ModelCatalog.model(named: name, classes: 10)!
        expected = try SafetensorsFixture(named: name)
        multiple = layout == .imagesLast && name.hasPrefix("lenet5") ? 12 : 4
        let images = try expected.tensor("gradient.input").shape
        batch = images[0]
        let input = Shape(height: images[2], width: images[3], channels: images[1])
        network = try Network(model, input: input, layout: layout)
        // Deep, and rectified all the way: wider weights keep gradients from fading, smaller steps suffice.
        let isDeep = name.hasPrefix("squeezenet")
        // Adam's epsilon is such that gradients which are nothing but rounding make no steps: see `generate.py`.
        optimizers = [
            "sgd": SGD(learningRate: isDeep ? 1e-3 : 0.01, momentum: 0.9),
            "adam": Adam(learningRate: isDeep ? 1e-4 : 1e-3, epsilon: 1e-5),
        ]
        for (index, parameter) in network.parameters.enumerated() {
            // Weight and bias of a layer share the fan-in of the weight.
            let weight = network.parameters[index / 2 * 2]
            let fanIn = weight.shape.dropFirst().reduce(1, *)
            let values = FormulaWeights.parameter(
                index, count: parameter.count, fanIn: fanIn, gain: isDeep ? 6 : 1)
            try network.setValues(values, of: parameter)
        }
    }

    func executor(threads: Int = 2, keepsInputGradient: Bool = false) throws -> Executor {
        try Executor(
            network, batchSize: batch, workers: Workers(count: threads),
            keepsInputGradient: keepsInputGradient)
    }

    var source: some BatchSource {
        FormulaBatch(images: FormulaWeights.images(count: batch * network.input.count), network.input)
    }

    /// The relative error of PyTorch's logits in float32.
    func logitsRounding() throws -> Double {
        relativeNormError(
            try expected.tensor("float32.logits").values, try expected.tensor("logits").values)
    }

    /// Records an issue where a gradient is farther from PyTorch's in float64 than a few times what PyTorch's
    /// own in float32 is, or its logits are: a gradient begins with them, and is nearer by luck alone.
    func expectGradient(_ actual: [Float], _ name: String) throws {
        let rounding = try expected.tensor("float32.gradientError.\(name)").values[0]
        let tolerance = multiple * max(rounding, try logitsRounding())
        if let truth = expected.tensors["gradient.\(name)"] {
            expectNormClose(actual, truth.floats, tolerance: tolerance, name)
        } else {
            try expectDigest(actual, "gradient.\(name)", tolerance: tolerance)
        }
    }

    /// The same, for a gradient that is stored as its digest.
    private func expectDigest(_ actual: [Float], _ name: String, tolerance: Double) throws {
        let norm = try expected.tensor("\(name).norm").values[0]
        let ours = actual.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        expectClose([ours], [norm], relative: tolerance, "norm of \(name)")

        // No element is farther off than all together.
        let sample = try expected.tensor("\(name).sample").floats
        let places = sample.indices.map { $0 * actual.count / sample.count }
        expectClose(
            places.map { actual[$0] }, sample, absolute: tolerance * norm, "sample of \(name)")

        // The square of an error's product with a vector uniform in ±1 is a third of the error's own square,
        // on average; the mean of sixteen strays from that by about a third.
        let projections = try expected.tensor("\(name).projections").values
        let errors = projections.enumerated().map { index, truth in
            let vector = FormulaWeights.values(
                tensor: FormulaWeights.firstProjection + index, count: actual.count, bound: 1)
            return zip(actual, vector).reduce(0) { $0 + Double($1.0) * Double($1.1) } - truth
        }
        let square = 3 * errors.reduce(0) { $0 + $1 * $1 } / Double(errors.count)
        let error = square.squareRoot() / norm
        #expect(error <= tolerance, "\(name): estimated relative norm error")
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
