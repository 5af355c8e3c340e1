import ApusData
import ApusKernels
import ApusNN
import ApusTraining
import Foundation
import TestSupport
import Testing

/// A step of an optimiser, written down in double precision.
private typealias Rule = (_ w: Double, _ g: Double, _ state: inout [Double], _ step: Int) -> Double

@Suite("Optimizers")
struct OptimizerTests {
    private static let rate = 0.01

    /// Applies `optimizer` for five steps to a linear network, and `rule` to copies of what it saw.
    private func compare(_ optimizer: any Optimizer, clipNorm: Double? = nil, _ rule: Rule) throws {
        let data = try SmallTask.data()
        let network = try Network(
            Sequential {
                Flatten()
                Linear(64, 5)
            }, input: SmallTask.shape)
        let executor = try Executor(network, batchSize: 50, workers: Workers(count: 2))
        let updater = try ParameterUpdater(executor, optimizer, clipNorm: clipNorm)
        let batch = try DatasetBatch(SmallTask.images(), normalization: data.normalization)
        let block = network.parameterBlock
        var expected = block.array.map(Double.init)
        var states = expected.map { _ in [0.0, 0.0] }
        for step in 1...5 {
            batch.start = 10 * step
            _ = executor.computeGradients(batch, count: 50, loss: SoftmaxCrossEntropy())
            updater.apply(step: step, rate: Self.rate)
            let gradients = executor.gradients.array.map(Double.init)
            let norm = gradients.reduce(0) { $0 + $1 * $1 }.squareRoot()
            let scale = clipNorm.map { min(1, $0 / (norm + 1e-6)) } ?? 1
            for index in expected.indices {
                expected[index] = rule(expected[index], gradients[index] * scale, &states[index], step)
            }
            // Go on from the same floats, so that rounding does not add up.
            expectClose(block.array.map(Double.init), expected, absolute: 2e-7, relative: 2e-6)
            expected = block.array.map(Double.init)
        }
    }

    @Test("Gradient descent goes against the gradient")
    func gradientDescent() throws {
        try compare(GradientDescent(learningRate: 1)) { w, g, _, _ in w - Self.rate * g }
    }

    @Test("SGD has momentum and weight decay as PyTorch's, Nesterov's too", arguments: [false, true])
    func sgd(isNesterov: Bool) throws {
        let sgd = SGD(learningRate: 1, momentum: 0.8, isNesterov: isNesterov, weightDecay: 0.3)
        try compare(sgd) { w, g, state, _ in
            let gradient = g + 0.3 * w
            state[0] = 0.8 * state[0] + gradient
            return w - Self.rate * (isNesterov ? gradient + 0.8 * state[0] : state[0])
        }
    }

    @Test("Adam corrects its moments' start, and decays by the gradient or apart", arguments: [false, true])
    func adam(isDecoupled: Bool) throws {
        let adam = Adam(
            learningRate: 1, beta1: 0.7, beta2: 0.9, epsilon: 1e-3, weightDecay: 0.3, isDecoupled: isDecoupled
        )
        try compare(adam) { w, g, state, step in
            let gradient = isDecoupled ? g : g + 0.3 * w
            state[0] = 0.7 * state[0] + 0.3 * gradient
            state[1] = 0.9 * state[1] + 0.1 * gradient * gradient
            let first = state[0] / (1 - pow(0.7, Double(step)))
            let second = state[1] / (1 - pow(0.9, Double(step)))
            let kept = isDecoupled ? w * (1 - Self.rate * 0.3) : w
            return kept - Self.rate * first / (second.squareRoot() + 1e-3)
        }
    }

    @Test(
        "A gradient longer than the limit is shortened to it, a shorter one is left alone",
        arguments: [0.01, 100])
    func clipping(limit: Double) throws {
        try compare(GradientDescent(learningRate: 1), clipNorm: limit) { w, g, _, _ in w - Self.rate * g }
    }

    @Test("Decoupled Adam is AdamW with PyTorch's defaults")
    func adamW() {
        let adamW = Adam.decoupled()
        #expect(adamW.name == "adamw")
        #expect(adamW.weightDecay == 0.01)
        #expect((adamW.beta1, adamW.beta2, adamW.epsilon) == (0.9, 0.999, 1e-8))
    }

    @Test(
        "Hyperparameters out of range are refused by name",
        arguments: [
            (GradientDescent(learningRate: -0.1), "learning rate"),
            (GradientDescent(learningRate: .nan), "learning rate"),
            (SGD(learningRate: .infinity), "learning rate"),
            (SGD(learningRate: 0.1, momentum: 1), "momentum"),
            (SGD(learningRate: 0.1, momentum: -0.1), "momentum"),
            (SGD(learningRate: 0.1, weightDecay: -1), "weight decay"),
            (SGD(learningRate: 0.1, isNesterov: true), "Nesterov"),
            (Adam(beta1: 1), "beta1"),
            (Adam(beta2: -1), "beta2"),
            (Adam(epsilon: 0), "epsilon"),
            (Adam(weightDecay: .nan), "weight decay"),
        ] as [(any Optimizer, String)])
    func refusals(optimizer: any Optimizer, mention: String) throws {
        let error = try #require(throws: OptimizerError.self) { try optimizer.check() }
        #expect("\(error)".contains(mention))
    }
}
