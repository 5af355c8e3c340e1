import Apus
import Foundation
import TestSupport
import Testing

/// A user's layer, written against the public interface alone: `x sigmoid(slope x)`, with a trained slope for
/// all elements (Ramachandran et al., 2017, "Searching for Activation Functions").
struct Swish: Layer {
    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan {
        guard shape.count > 0 else { throw planning.error("has nothing to work on") }
        return LayerPlan(
            output: shape,
            parameters: [ParameterSpecification("slope", shape: [1], initializer: .constant(1))],
            backwardReadsOutput: false)
    }

    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext) {
        let slope = context.parameter(0)[0]
        output.map(input) { $0 * sigmoid(slope * $0) }
    }

    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext
    ) {
        let slope = context.parameter(0)[0]
        if let gradient = context.gradient(0) {
            var sum: Float = 0
            for image in 0..<input.batch {
                for y in 0..<input.shape.height {
                    for x in 0..<input.shape.width {
                        for channel in 0..<input.shape.channels {
                            let value = input[image, y, x, channel]
                            let s = sigmoid(slope * value)
                            sum += outputGradient[image, y, x, channel] * value * value * s * (1 - s)
                        }
                    }
                }
            }
            gradient[0] += sum
        }
        inputGradient.apply(outputGradient, input) { dy, x in
            let s = sigmoid(slope * x)
            return dy * (s + slope * x * s * (1 - s))
        }
    }
}

private func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

@Suite("A layer of a user's own")
struct CustomLayerTests {
    static func layers() -> Sequential {
        Sequential {
            Conv2D(1, 4, kernel: 5).named("conv")
            Swish().named("swish")
            MaxPool2D(kernelSize: 4)
            Flatten()
            Linear(144, 10).named("fc")
        }
    }

    @Test("is planned, trained, saved and loaded as ours are")
    func lifeCycle() throws {
        let data = try DatasetSpecification(parsing: "synthetic=1000").load()
        let network = try Network(Self.layers(), input: Shape(height: 28, width: 28, channels: 1), seed: 1)
        let slope = try network.parameter(named: "swish.slope")
        #expect(network.values(of: slope) == [1])

        let classifier = try Classifier(
            modelName: "swish", network: network, classNames: data.train.classNames,
            normalization: data.normalization)
        let trainer = try Trainer(classifier, on: data, TrainingConfiguration(epochs: 5))
        try trainer.fit()
        #expect(try classifier.evaluate(data.test).accuracy > 0.3)
        #expect(network.values(of: slope) != [1])

        let folder = try TemporaryFolder()
        let file = folder.url.appending(path: "swish.apus")
        try classifier.save(to: file)
        let loaded = try Checkpoint(contentsOf: file).classifier { _ in Self.layers() }
        #expect(loaded.network.parameterBlock.array == network.parameterBlock.array)
        #expect(throws: CheckpointError.self) { try Classifier.load(from: file) }
    }
}

/// What a user may write with names of layers and errors as types.
private struct Names {
    let dropout: Dropout
    let softmax: Softmax
    let formatError: FormatError?
    let fileError: FileError?
}
