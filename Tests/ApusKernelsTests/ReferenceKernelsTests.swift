import ReferenceKernels
import TestSupport
import Testing

private let epsilon = 1e-13

@Suite("The naive references give PyTorch's results")
struct ReferenceKernelsTests {
    private let layers: SafetensorsFixture
    private let losses: SafetensorsFixture

    init() throws {
        layers = try SafetensorsFixture(named: "layers")
        losses = try SafetensorsFixture(named: "losses")
    }

    private func tensor(_ name: String) throws -> ReferenceTensor<Double> {
        let tensor = try layers.tensor(name)
        return ReferenceTensor(shape: tensor.shape, values: tensor.values)
    }

    @Test("Convolution and its three gradients are exact", arguments: 0..<6)
    func convolution(index: Int) throws {
        let name = "convolution.\(index)"
        let g = try layers.tensor("\(name).geometry").integers
        let convolution = ReferenceConvolution(
            stride: ReferenceExtent(g[0], g[1]), padding: ReferenceExtent(g[2], g[3]),
            dilation: ReferenceExtent(g[4], g[5]), groups: g[6])
        let input = try tensor("\(name).input")
        let weights = try tensor("\(name).weight")
        let upstream = try tensor("\(name).outputGradient")
        let bias = try layers.tensor("\(name).bias").values
        #expect(try convolution.forward(input, weights: weights, bias: bias) == tensor("\(name).output"))
        #expect(
            try convolution.inputGradient(upstream, weights: weights, inputShape: input.shape)
                == tensor("\(name).inputGradient"))
        #expect(
            try convolution.weightGradient(upstream, input: input, weightShape: weights.shape)
                == tensor("\(name).weightGradient"))
        expectEqual(convolution.biasGradient(upstream), try layers.tensor("\(name).biasGradient").values)
    }

    @Test(
        "The weights times im2col's columns are the convolution, and col2im is im2col's transpose",
        arguments: [0, 1, 4, 5])
    func im2col(index: Int) throws {
        let name = "convolution.\(index)"
        let g = try layers.tensor("\(name).geometry").integers
        let convolution = ReferenceConvolution(
            stride: ReferenceExtent(g[0], g[1]), padding: ReferenceExtent(g[2], g[3]),
            dilation: ReferenceExtent(g[4], g[5]))
        let input = try tensor("\(name).input")
        let weights = try tensor("\(name).weight")
        let output = convolution.forward(input, weights: weights)
        let kernel = ReferenceExtent(weights.height, weights.width)
        let size = ReferenceExtent(input.height, input.width)
        let image = Array(input.values.prefix(input.count / input.batch))
        let columns = convolution.im2col(image, channels: input.channels, input: size, kernel: kernel)
        let product = ReferenceGEMM.multiply(
            rows: weights.batch, columns: output.height * output.width, depth: weights.count / weights.batch,
            weights.values, columns)
        expectEqual(product, Array(output.values.prefix(product.count)))

        let other = integers(count: columns.count, seed: 3).map { Double($0) }
        let back = convolution.col2im(other, channels: input.channels, input: size, kernel: kernel)
        let left = zip(columns, other).reduce(0) { $0 + $1.0 * $1.1 }
        let right = zip(image, back).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(left == right)
    }

    @Test("Maximum pooling, its indices and its gradient are exact", arguments: 0..<11)
    func maximumPooling(index: Int) throws {
        let name = "maximum.\(index)"
        let g = try layers.tensor("\(name).geometry").integers
        let pooling = ReferencePooling(
            kernel: ReferenceExtent(g[0], g[1]), stride: ReferenceExtent(g[2], g[3]),
            padding: ReferenceExtent(g[4], g[5]), roundsUp: g[6] == 1)
        let input = try tensor("\(name).input")
        let (output, indices) = pooling.maximum(input)
        #expect(try output == tensor("\(name).output"))
        #expect(try indices == layers.tensor("\(name).indices").integers)
        let gradient = try pooling.maximumInputGradient(
            tensor("\(name).outputGradient"), indices: indices, inputShape: input.shape)
        #expect(try gradient == tensor("\(name).inputGradient"))
    }

    @Test("Average pooling and its gradient agree", arguments: 0..<22)
    func averagePooling(index: Int) throws {
        let name = "average.\(index)"
        let g = try layers.tensor("\(name).geometry").integers
        let pooling = ReferencePooling(
            kernel: ReferenceExtent(g[0], g[1]), stride: ReferenceExtent(g[2], g[3]),
            padding: ReferenceExtent(g[4], g[5]), roundsUp: g[6] == 1)
        let input = try tensor("\(name).input")
        let output = pooling.average(input, countingPadding: g[7] == 1)
        #expect(try output.shape == tensor("\(name).output").shape)
        expectClose(output.values, try tensor("\(name).output").values, absolute: epsilon, name)
        let gradient = try pooling.averageInputGradient(
            tensor("\(name).outputGradient"), inputShape: input.shape, countingPadding: g[7] == 1)
        expectClose(gradient.values, try tensor("\(name).inputGradient").values, absolute: epsilon, name)
    }

    @Test(
        "Softmax and cross-entropy agree, label smoothing and logits of 10,000 included",
        arguments: ["ordinary", "extreme"])
    func crossEntropy(name: String) throws {
        let logits = try losses.tensor("\(name).logits").values
        let labels = try losses.tensor("\(name).labels").integers
        for tenths in 0...1 {
            let (value, gradient) = ReferenceLoss.crossEntropy(
                logits, labels: labels, classes: 5, labelSmoothing: Double(tenths) / 10)
            let expected = try losses.tensor("\(name).smoothing\(tenths).loss").values
            expectClose([value], expected, relative: epsilon, name)
            expectClose(
                gradient, try losses.tensor("\(name).smoothing\(tenths).gradient").values, absolute: epsilon)
        }
        let output = ReferenceSoftmax.forward(logits, classes: 5)
        expectClose(output, try losses.tensor("\(name).softmax.output").values, absolute: epsilon)
        let gradient = try ReferenceSoftmax.inputGradient(
            losses.tensor("\(name).softmax.outputGradient").values, output: output, classes: 5)
        expectClose(gradient, try losses.tensor("\(name).softmax.gradient").values, absolute: epsilon)
    }

    @Test("Mean squared error agrees")
    func meanSquaredError() throws {
        let (value, gradient) = try ReferenceLoss.meanSquaredError(
            losses.tensor("squared.predictions").values, targets: losses.tensor("squared.targets").values)
        expectClose([value], try losses.tensor("squared.loss").values, relative: epsilon)
        expectClose(gradient, try losses.tensor("squared.gradient").values, absolute: epsilon)
    }

    @Test("Gradient descent agrees over five steps", arguments: ["sgd", "momentum", "nesterov"], [0, 0.05])
    func gradientDescent(kind: String, decay: Double) throws {
        var optimizer = ReferenceSGD(
            learningRate: 0.1, momentum: kind == "sgd" ? 0 : 0.9, weightDecay: decay,
            nesterov: kind == "nesterov")
        try expectCourse(kind + (decay == 0 ? "" : ".weightDecay")) { optimizer.step(&$0, gradients: $1) }
    }

    @Test("Adam and AdamW agree over five steps", arguments: ["adam", "adam.weightDecay", "adamw"])
    func adam(name: String) throws {
        var optimizer = ReferenceAdam(
            learningRate: 0.01, weightDecay: name == "adam" ? 0 : 0.05,
            decay: name == "adamw" ? .decoupled : .gradient)
        try expectCourse(name) { optimizer.step(&$0, gradients: $1) }
    }

    private func expectCourse(_ name: String, step: (inout [Double], [Double]) -> Void) throws {
        let fixture = try SafetensorsFixture(named: "optimizers")
        let gradients = try fixture.tensor("gradients").values
        var parameters = try fixture.tensor("initial").values
        var course: [Double] = []
        for t in 0..<5 {
            step(&parameters, Array(gradients[t * 7..<t * 7 + 7]))
            course += parameters
        }
        expectClose(course, try fixture.tensor(name).values, absolute: epsilon, name)
    }

    @Test("Activations, a linear layer and trained pooling have the derivatives that differences find")
    func derivatives() {
        let input = uniformFloats(count: 24, seed: 1).map { 2 * Double($0) }
        for activation in ReferenceActivation.allCases {
            let upstream = uniformFloats(count: 24, seed: 2).map { Double($0) }
            expectGradient(activation.inputGradient(upstream, input: input), at: input, upstream) {
                activation.forward($0)
            }
        }

        let weights = uniformFloats(count: 30, seed: 3).map { Double($0) }
        let bias = uniformFloats(count: 5, seed: 4).map { Double($0) }
        let upstream = uniformFloats(count: 20, seed: 5).map { Double($0) }
        func linear(_ x: [Double], _ w: [Double], _ b: [Double]) -> [Double] {
            ReferenceLinear.forward(x, weights: w, bias: b, batch: 4, inputs: 6, outputs: 5)
        }
        expectGradient(
            ReferenceLinear.inputGradient(upstream, weights: weights, batch: 4, inputs: 6, outputs: 5),
            at: input, upstream
        ) { linear($0, weights, bias) }
        expectGradient(
            ReferenceLinear.weightGradient(upstream, input: input, batch: 4, inputs: 6, outputs: 5),
            at: weights, upstream
        ) { linear(input, $0, bias) }
        expectGradient(ReferenceLinear.biasGradient(upstream, outputs: 5), at: bias, upstream) {
            linear(input, weights, $0)
        }

        let images = uniformFloats(count: 2 * 3 * 4 * 5, seed: 6).map { Double($0) }
        let coefficients = [0.5, -1.25, 2]
        let shape = [2, 3, 4, 5]
        func pooled(_ x: [Double], _ c: [Double], _ b: [Double]) -> [Double] {
            ReferenceTrainedPooling.forward(
                ReferenceTensor(shape: shape, values: x), coefficients: c, bias: b
            ).values
        }
        let pooledUpstream = uniformFloats(count: 24, seed: 7).map { Double($0) }
        let gradients = ReferenceTrainedPooling.gradients(
            ReferenceTensor(2, 3, 2, 2, values: pooledUpstream),
            input: ReferenceTensor(shape: shape, values: images), coefficients: coefficients)
        let zeros = [0.0, 0, 0]
        expectGradient(gradients.input.values, at: images, pooledUpstream) { pooled($0, coefficients, zeros) }
        expectGradient(gradients.coefficients, at: coefficients, pooledUpstream) { pooled(images, $0, zeros) }
        expectGradient(gradients.bias, at: zeros, pooledUpstream) { pooled(images, coefficients, $0) }
    }

    private func expectGradient(
        _ gradient: [Double], at point: [Double], _ upstream: [Double],
        sourceLocation: SourceLocation = #_sourceLocation, of function: ([Double]) -> [Double]
    ) {
        let differences = centralDifferences(
            of: { zip(function($0), upstream).reduce(0) { $0 + $1.0 * $1.1 } }, at: point)
        expectClose(gradient, differences, absolute: 1e-8, sourceLocation: sourceLocation)
    }

    @Test("A product of matrices is the same from transposed factors, and beta 0 ignores NaN")
    func products() {
        let a = integers(count: 6, seed: 1)
        let b = integers(count: 12, seed: 2)
        let aT = (0..<6).map { a[$0 % 2 * 3 + $0 / 2] }
        let bT = (0..<12).map { b[$0 % 3 * 4 + $0 / 3] }
        let plain = ReferenceGEMM.multiply(rows: 2, columns: 4, depth: 3, a, b)
        var direct = [Float](repeating: 0, count: 8)
        for i in 0..<2 {
            for j in 0..<4 { for k in 0..<3 { direct[i * 4 + j] += a[i * 3 + k] * b[k * 4 + j] } }
        }
        expectEqual(plain, direct)
        let both = ReferenceGEMM.multiply(
            rows: 2, columns: 4, depth: 3, aT, transposeA: true, bT, transposeB: true, beta: 0,
            c: Array(repeating: .nan, count: 8))
        expectEqual(both, direct)
        expectEqual(
            ReferenceGEMM.multiply(rows: 2, columns: 4, depth: 3, alpha: 2, a, b, beta: -1, c: direct), direct
        )
    }

    @Test("Channels last and back is the same tensor")
    func layouts() {
        let tensor = ReferenceTensor<Float>(2, 3, 4, 5, values: (0..<120).map { Float($0) })
        #expect(tensor.channelsLast[1] == 20)
        #expect(ReferenceTensor(2, 3, 4, 5, channelsLast: tensor.channelsLast) == tensor)
    }
}
