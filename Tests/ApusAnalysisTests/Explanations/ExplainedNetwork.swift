import ApusAnalysis
import ApusData
import ApusFormats
import ApusKernels
import ApusNN
import ApusTraining
import ReferenceKernels
import TestSupport

/// A small network that ends in the means of its last maps and a linear layer, and the same in double precision.
struct ExplainedNetwork {
    static let input = Shape(height: 8, width: 6, channels: 3)
    static let classNames = ["cat", "dog", "cow", "hen", "fox"]
    static let layersWithMaps = ["conv1", "tanh", "pool", "conv2", "relu"]

    /// A sum of n terms in Float carries an error of at most n units of 2^-24, measured against a norm of the whole; no
    /// sum in this network has more than 256.
    static let tolerance = 256 * 0x1p-24

    private static let layers = Sequential {
        Conv2D(3, 4, kernel: 3, padding: 1).named("conv1")
        Tanh().named("tanh")
        MaxPool2D(kernelSize: 2).named("pool")
        Sequential {
            Conv2D(4, 6, kernel: 3, padding: 1).named("conv2")
            ReLU().named("relu")
        }.unnamed
        GlobalAveragePool2D().named("mean")
        Dropout(rate: 0.5).named("dropout")
        Linear(6, 5).named("fc")
    }

    let classifier: Classifier
    private let parameters: [String: ReferenceTensor<Double>]

    init(_ layout: Layout = .channelsFirst, freezing: [NamePattern] = []) throws {
        let network = try Network(Self.layers, input: Self.input, layout: layout, freezing: freezing)
        for (index, parameter) in network.parameters.enumerated() {
            try network.setValues(
                uniformFloats(count: parameter.count, seed: UInt64(index)), of: parameter)
        }
        classifier = try Classifier(
            modelName: "explained", network: network, classNames: Self.classNames,
            normalization: .symmetric(channels: 3))
        parameters = Dictionary(
            uniqueKeysWithValues: network.parameters.map { parameter in
                let shape = parameter.shape + [Int](repeating: 1, count: 4 - parameter.shape.count)
                let values = network.values(of: parameter).map(Double.init)
                return (parameter.name, ReferenceTensor(shape: shape, values: values))
            })
    }

    /// `count` images of random pixels.
    static func images(_ count: Int) -> [PixelImage] {
        (0..<count).map { .random(height: input.height, width: input.width, channels: 3, seed: UInt64($0)) }
    }

    /// What the network computes of an input, `[channels, height, width]`, with `offsets` added to the output of the
    /// layer `path`.
    func reference(
        _ input: [Double], offsets: [Double] = [], at path: String = ""
    ) -> (logits: [Double], outputs: [String: ReferenceTensor<Double>]) {
        var outputs: [String: ReferenceTensor<Double>] = [:]
        func seen(_ name: String, _ output: ReferenceTensor<Double>) -> ReferenceTensor<Double> {
            outputs[name] = output
            guard name == path else { return output }
            return ReferenceTensor(shape: output.shape, values: zip(output.values, offsets).map { $0 + $1 })
        }
        func convolved(_ x: ReferenceTensor<Double>, _ name: String) -> ReferenceTensor<Double> {
            ReferenceConvolution(padding: 1).forward(
                x, weights: parameters[name + ".weight"]!, bias: parameters[name + ".bias"]!.values)
        }
        func activated(
            _ x: ReferenceTensor<Double>, _ activation: ReferenceActivation
        ) -> ReferenceTensor<Double> {
            ReferenceTensor(shape: x.shape, values: activation.forward(x.values))
        }
        let shape = Self.input
        let x = ReferenceTensor(1, shape.channels, shape.height, shape.width, values: input)
        let tanh = seen("tanh", activated(seen("conv1", convolved(x, "conv1")), .tanh))
        let pool = seen("pool", ReferencePooling(kernel: 2, stride: 2).maximum(tanh).output)
        let relu = seen("relu", activated(seen("conv2", convolved(pool, "conv2")), .relu))
        let means = relu.planes.map { $0.reduce(0, +) / Double($0.count) }
        let logits = ReferenceLinear.forward(
            means, weights: parameters["fc.weight"]!.values, bias: parameters["fc.bias"]!.values, batch: 1,
            inputs: 6, outputs: 5)
        return (logits, outputs)
    }

    /// Row `index` of the last layer.
    func lastWeights(of index: Int) -> [Double] {
        Array(parameters["fc.weight"]!.values[index * 6..<(index + 1) * 6])
    }

    func lastBias(of index: Int) -> Double { parameters["fc.bias"]!.values[index] }

    /// The gradient of a class's score with respect to the input, by central differences.
    func inputGradient(of index: Int, at input: [Double]) -> ReferenceTensor<Double> {
        ReferenceTensor(
            1, Self.input.channels, Self.input.height, Self.input.width,
            values: centralDifferences(of: { reference($0).logits[index] }, at: input))
    }
}

extension ReferenceTensor {
    /// The elements of each channel of the first image.
    var planes: [[Scalar]] {
        (0..<channels).map { Array(values[$0 * height * width..<($0 + 1) * height * width]) }
    }

    /// The sum of the channels, each times its weight.
    func sum(weights: [Scalar]) -> [Scalar] {
        zip(planes, weights).reduce(into: [Scalar](repeating: 0, count: height * width)) { sums, next in
            for (place, value) in next.0.enumerated() { sums[place] += next.1 * value }
        }
    }

    /// Of each pixel the greatest magnitude in any channel.
    var greatestMagnitudes: [Scalar] {
        (0..<height * width).map { pixel in planes.map { abs($0[pixel]) }.max() ?? 0 }
    }
}
