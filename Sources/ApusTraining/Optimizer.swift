import ApusKernels
import Foundation

/// A rule that moves parameters against their gradients.
///
/// It sees flat runs of the parameter block, several at once on several threads, and keeps what it remembers
/// in state blocks laid out like the parameters.
public protocol Optimizer: Sendable {
    /// What logs and checkpoints call it.
    var name: String { get }
    /// The rate a schedule scales.
    var learningRate: Double { get }
    /// State blocks, each as large as the parameters; all start at zero.
    var stateCount: Int { get }

    /// Checks the hyperparameters.
    ///
    /// - Throws: `OptimizerError` naming the one that is out of range.
    func check() throws

    /// Moves a run of parameters.
    ///
    /// - Parameters:
    ///   - state: gives the run of each state block.
    ///   - step: from 1 on.
    ///   - rate: of this step, from the schedule.
    ///   - gradientScale: what to multiply gradients with, below 1 where clipping shortens them.
    func update(
        _ parameters: FloatView, gradients: FloatView, state: OptimizerState, step: Int, rate: Double,
        gradientScale: Float)
}

/// The state blocks of an optimiser, over one run of parameters.
public struct OptimizerState: Sendable {
    let blocks: FloatView
    let blockSize: Int
    let range: Range<Int>

    /// The run of the state block of that index.
    public subscript(index: Int) -> FloatView {
        blocks.slice(index * blockSize + range.lowerBound..<index * blockSize + range.upperBound)
    }
}

/// A hyperparameter out of range.
public struct OptimizerError: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    static func check(_ name: String, _ value: Double, _ range: Range<Double>) throws {
        guard range.contains(value) else {
            let upper = range.upperBound.isFinite ? " and below \(range.upperBound)" : " and finite"
            throw OptimizerError(
                description: "a \(name) of \(value); it must be at least \(range.lowerBound)\(upper)")
        }
    }
}

/// Plain gradient descent: `w -= rate g`.
public struct GradientDescent: Optimizer {
    public let name = "gradient-descent"
    public let learningRate: Double
    public let stateCount = 0

    public init(learningRate: Double) { self.learningRate = learningRate }

    public func check() throws {
        try OptimizerError.check("learning rate", learningRate, 0..<Double.infinity)
    }

    public func update(
        _ parameters: FloatView, gradients: FloatView, state: OptimizerState, step: Int, rate: Double,
        gradientScale: Float
    ) {
        Updates.sgd(
            parameters: parameters, gradients: gradients, velocity: nil, rate: Float(rate), momentum: 0,
            isNesterov: false, weightDecay: 0, gradientScale: gradientScale)
    }
}

/// Stochastic gradient descent with momentum and weight decay, equal to PyTorch's `SGD` (see
/// `Updates.sgd` for the formula).
public struct SGD: Optimizer {
    public let name = "sgd"
    public let learningRate: Double
    public let momentum: Double
    public let isNesterov: Bool
    public let weightDecay: Double

    public init(
        learningRate: Double, momentum: Double = 0, isNesterov: Bool = false, weightDecay: Double = 0
    ) {
        self.learningRate = learningRate
        self.momentum = momentum
        self.isNesterov = isNesterov
        self.weightDecay = weightDecay
    }

    public var stateCount: Int { momentum == 0 ? 0 : 1 }

    public func check() throws {
        try OptimizerError.check("learning rate", learningRate, 0..<Double.infinity)
        try OptimizerError.check("momentum", momentum, 0..<1)
        try OptimizerError.check("weight decay", weightDecay, 0..<Double.infinity)
        if isNesterov && momentum == 0 {
            throw OptimizerError(description: "Nesterov's method needs a momentum above 0")
        }
    }

    public func update(
        _ parameters: FloatView, gradients: FloatView, state: OptimizerState, step: Int, rate: Double,
        gradientScale: Float
    ) {
        Updates.sgd(
            parameters: parameters, gradients: gradients, velocity: momentum == 0 ? nil : state[0],
            rate: Float(rate), momentum: Float(momentum), isNesterov: isNesterov,
            weightDecay: Float(weightDecay), gradientScale: gradientScale)
    }
}

/// Adam, and AdamW with the weight decay decoupled, equal to PyTorch's (see `Updates.adam` for the formula).
public struct Adam: Optimizer {
    public let learningRate: Double
    public let beta1: Double
    public let beta2: Double
    public let epsilon: Double
    public let weightDecay: Double
    public let isDecoupled: Bool

    /// - Parameter isDecoupled: whether decay shrinks the weights themselves, as in AdamW, and not by way of
    ///   the gradient.
    public init(
        learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
        weightDecay: Double = 0, isDecoupled: Bool = false
    ) {
        self.learningRate = learningRate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        self.isDecoupled = isDecoupled
    }

    /// AdamW with PyTorch's defaults.
    public static func decoupled(learningRate: Double = 1e-3, weightDecay: Double = 1e-2) -> Adam {
        Adam(learningRate: learningRate, weightDecay: weightDecay, isDecoupled: true)
    }

    public var name: String { isDecoupled ? "adamw" : "adam" }
    public var stateCount: Int { 2 }

    public func check() throws {
        try OptimizerError.check("learning rate", learningRate, 0..<Double.infinity)
        try OptimizerError.check("beta1", beta1, 0..<1)
        try OptimizerError.check("beta2", beta2, 0..<1)
        try OptimizerError.check("weight decay", weightDecay, 0..<Double.infinity)
        guard epsilon > 0, epsilon.isFinite else {
            throw OptimizerError(description: "an epsilon of \(epsilon); it must be above 0 and finite")
        }
    }

    public func update(
        _ parameters: FloatView, gradients: FloatView, state: OptimizerState, step: Int, rate: Double,
        gradientScale: Float
    ) {
        Updates.adam(
            parameters: parameters, gradients: gradients, firstMoment: state[0], secondMoment: state[1],
            step: step, rate: rate, beta1: beta1, beta2: beta2, epsilon: Float(epsilon),
            weightDecay: Float(weightDecay), isDecoupled: isDecoupled, gradientScale: gradientScale)
    }
}
