import Foundation

/// Stochastic gradient descent as PyTorch's `SGD` defines it, without dampening.
///
/// `g += weightDecay * p; v = momentum * v + g; p -= learningRate * v`, and with Nesterov's momentum
/// `p -= learningRate * (g + momentum * v)`.
public struct ReferenceSGD<Scalar: BinaryFloatingPoint & Sendable>: Sendable {
    public var learningRate: Scalar
    public var momentum: Scalar
    public var weightDecay: Scalar
    public var nesterov: Bool
    /// v, zero before the first step.
    public private(set) var velocity: [Scalar] = []

    public init(learningRate: Scalar, momentum: Scalar = 0, weightDecay: Scalar = 0, nesterov: Bool = false) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.nesterov = nesterov
    }

    public mutating func step(_ parameters: inout [Scalar], gradients: [Scalar]) {
        precondition(parameters.count == gradients.count, "a gradient is needed for each parameter")
        if velocity.isEmpty { velocity = Array(repeating: 0, count: parameters.count) }
        for i in parameters.indices {
            let gradient = gradients[i] + weightDecay * parameters[i]
            velocity[i] = momentum * velocity[i] + gradient
            parameters[i] -= learningRate * (nesterov ? gradient + momentum * velocity[i] : velocity[i])
        }
    }
}

/// Adam as PyTorch's `Adam` and `AdamW` define it.
///
/// `m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2;
/// p -= learningRate * m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)` at step t, counted from 1.
/// Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization"; the decoupled decay is Loshchilov and
/// Hutter 2019, "Decoupled Weight Decay Regularization".
public struct ReferenceAdam<Scalar: BinaryFloatingPoint & Sendable>: Sendable {
    /// Where the decay of weights enters.
    public enum Decay: Sendable {
        /// `g += weightDecay * p`, as in `Adam`.
        case gradient
        /// `p -= learningRate * weightDecay * p` before the step, as in `AdamW`.
        case decoupled
    }

    public var learningRate: Scalar
    public var beta1: Scalar
    public var beta2: Scalar
    public var epsilon: Scalar
    public var weightDecay: Scalar
    public var decay: Decay
    /// m and v, zero before the first step.
    public private(set) var firstMoment: [Scalar] = []
    public private(set) var secondMoment: [Scalar] = []
    public private(set) var steps = 0

    public init(
        learningRate: Scalar = 1e-3, beta1: Scalar = 0.9, beta2: Scalar = 0.999, epsilon: Scalar = 1e-8,
        weightDecay: Scalar = 0, decay: Decay = .gradient
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.decay = decay
    }

    public mutating func step(_ parameters: inout [Scalar], gradients: [Scalar]) {
        precondition(parameters.count == gradients.count, "a gradient is needed for each parameter")
        if steps == 0 {
            firstMoment = Array(repeating: 0, count: parameters.count)
            secondMoment = firstMoment
        }
        steps += 1
        let correction1 = 1 - Scalar(pow(Double(beta1), Double(steps)))
        let correction2 = 1 - Scalar(pow(Double(beta2), Double(steps)))
        for i in parameters.indices {
            var gradient = gradients[i]
            switch decay {
            case .gradient: gradient += weightDecay * parameters[i]
            case .decoupled: parameters[i] -= learningRate * weightDecay * parameters[i]
            }
            firstMoment[i] = beta1 * firstMoment[i] + (1 - beta1) * gradient
            secondMoment[i] = beta2 * secondMoment[i] + (1 - beta2) * gradient * gradient
            let denominator = (secondMoment[i] / correction2).squareRoot() + epsilon
            parameters[i] -= learningRate * firstMoment[i] / correction1 / denominator
        }
    }
}
