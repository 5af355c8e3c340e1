import ApusKernels
import ApusNN
import ReferenceKernels
import Testing
import TestSupport

/// The parameters of a network in double precision, by name.
struct ReferenceParameters {
    fileprivate(set) var tensors: [String: ReferenceTensor<Double>] = [:]

    subscript(name: String) -> ReferenceTensor<Double> { tensors[name]! }
}

/// A network's forward pass, written with the reference's loops.
typealias ReferenceForward = (ReferenceParameters, ReferenceTensor<Double>) -> ReferenceTensor<Double>

/// Expects that `model` computes `reference`, and that all gradients, for a random upstream gradient, are
/// those of central differences in double precision. Memory is poisoned beforehand.
///
/// No sum in these small networks has more than 256 terms, and a sum of n terms in Float carries an error of
/// at most n units of 2^-24, measured against a norm of the whole.
func expectGradients(
    of model: any Layer, input shape: Shape, layout: Layout, batch count: Int = 3, seed: UInt64 = 1,
    equal reference: ReferenceForward, sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let tolerance = 256 * 0x1p-24
    let network = try Network(model, input: shape, layout: layout)
    try network.randomize(seed: seed)
    let executor = try Executor(
        network, batchSize: count, workers: Workers(count: 2), keepsInputGradient: true)
    executor.poisonMemory(with: .nan)
    let batch = ArrayBatch(images: uniformArrays(count, of: shape.count, seed: seed + 1))
    let upstream = uniformArrays(count, of: network.output.count, seed: seed + 2)
    let result = StepResult(executor, batch, loss: UpstreamLoss(upstream: upstream))

    let point = ReferencePoint(network, batch)
    let expected = reference(point.parameters, point.input)
    func check(_ actual: [Float], _ expected: [Double], _ name: String) {
        // Dead activations would agree on nothing but zeros.
        #expect(
            expected.contains { $0 != 0 }, "\(name) is all zero, \(layout)", sourceLocation: sourceLocation)
        expectNormClose(
            actual.map { Double($0) }, expected, tolerance: tolerance, "\(name), \(layout)",
            sourceLocation: sourceLocation)
    }
    check(result.outputs, expected.values, "output")
    let weights = upstream.flatMap { $0 }.map { Double($0) }
    let gradient = centralDifferences(
        of: { values in
            let (parameters, input) = point.moved(to: values)
            return zip(reference(parameters, input).values, weights).reduce(0) { $0 + $1.0 * $1.1 }
        }, at: point.values)
    var place = 0
    for parameter in network.parameters {
        check(
            network.values(of: parameter, in: executor.gradients),
            Array(gradient[place..<place + parameter.count]), parameter.name)
        place += parameter.count
    }
    check(result.inputGradients, Array(gradient[place...]), "input")
}

/// Parameters and images as one list of numbers, and back.
struct ReferencePoint {
    let parameters: ReferenceParameters
    let input: ReferenceTensor<Double>
    let values: [Double]
    private let names: [String]

    init(_ network: Network, _ batch: ArrayBatch) {
        var parameters = ReferenceParameters()
        var values: [Double] = []
        for parameter in network.parameters {
            let numbers = network.values(of: parameter).map { Double($0) }
            let shape = parameter.shape + [Int](repeating: 1, count: 4 - parameter.shape.count)
            parameters.tensors[parameter.name] = ReferenceTensor(shape: shape, values: numbers)
            values += numbers
        }
        self.parameters = parameters
        names = network.parameters.map(\.name)
        let shape = network.input
        input = ReferenceTensor(
            batch.images.count, shape.channels, shape.height, shape.width,
            values: batch.images.flatMap { $0 }.map { Double($0) })
        self.values = values + input.values
    }

    func moved(to values: [Double]) -> (ReferenceParameters, ReferenceTensor<Double>) {
        var parameters = parameters
        var place = 0
        for name in names {
            let tensor = parameters[name]
            parameters.tensors[name] = ReferenceTensor(
                shape: tensor.shape, values: Array(values[place..<place + tensor.count]))
            place += tensor.count
        }
        return (parameters, ReferenceTensor(shape: input.shape, values: Array(values[place...])))
    }
}

/// Layers of the reference, to be written one after the other.
extension ReferenceTensor where Scalar == Double {
    func convolved(
        _ parameters: ReferenceParameters, _ name: String,
        _ convolution: ReferenceConvolution = ReferenceConvolution(), bias: Bool = true
    ) -> Self {
        convolution.forward(
            self, weights: parameters[name + ".weight"], bias: bias ? parameters[name + ".bias"].values : nil)
    }

    func linear(_ parameters: ReferenceParameters, _ name: String, bias: Bool = true) -> Self {
        let weight = parameters[name + ".weight"]
        return ReferenceTensor(
            batch, weight.batch, 1, 1,
            values: ReferenceLinear.forward(
                values, weights: weight.values, bias: bias ? parameters[name + ".bias"].values : nil,
                batch: batch, inputs: weight.channels, outputs: weight.batch))
    }

    func activated(_ activation: ReferenceActivation) -> Self {
        ReferenceTensor(shape: shape, values: activation.forward(values))
    }

    var flattened: Self {
        ReferenceTensor(batch, channels * height * width, 1, 1, values: values)
    }

    /// The channels of `other` after these.
    func concatenated(_ other: Self) -> Self {
        var result = ReferenceTensor(batch, channels + other.channels, height, width)
        for n in 0..<batch {
            for c in 0..<result.channels {
                for y in 0..<height {
                    for x in 0..<width {
                        result[n, c, y, x] = c < channels ? self[n, c, y, x] : other[n, c - channels, y, x]
                    }
                }
            }
        }
        return result
    }

    func adding(_ other: Self) -> Self {
        precondition(shape == other.shape)
        return ReferenceTensor(shape: shape, values: zip(values, other.values).map { $0 + $1 })
    }

    /// With zeros around each plane.
    func padded(top: Int, left: Int, bottom: Int, right: Int) -> Self {
        var result = ReferenceTensor(batch, channels, height + top + bottom, width + left + right)
        for n in 0..<batch {
            for c in 0..<channels {
                for y in 0..<height {
                    for x in 0..<width { result[n, c, y + top, x + left] = self[n, c, y, x] }
                }
            }
        }
        return result
    }
}
