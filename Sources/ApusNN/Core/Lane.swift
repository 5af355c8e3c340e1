import ApusKernels

/// What one lane sums up over the shards of a batch that are dealt to it.
final class Lane: @unchecked Sendable {
    var lossSum = 0.0
    var correct = 0
    /// Laid out as the network's trained parameters from `firstFloat` on; nil in inference.
    private let gradients: FloatView?
    private let firstFloat: Int
    /// Of each of the network's parameters, the factors of its gradient, which then is none of the lane's.
    private let factors: [GradientFactors?]
    /// Of each of the network's parameters, whether its gradient holds something of this batch, or its factors of this shard.
    /// Not all are cleared before: the first contribution is written, or clears what it adds to, which then is in cache.
    private var isWritten: [Bool]

    init(gradients: FloatView?, firstFloat: Int, factors: [GradientFactors?]) {
        self.gradients = gradients
        self.firstFloat = firstFloat
        self.factors = factors
        isWritten = [Bool](repeating: false, count: factors.count)
    }

    /// Forgets the batch before.
    func begin() {
        lossSum = 0
        correct = 0
        for index in isWritten.indices { isWritten[index] = false }
    }

    /// Where a contribution to a parameter's gradient goes.
    func gradient(of parameter: Parameter) -> ParameterGradient? {
        guard !parameter.isFrozen, let gradients else { return nil }
        func own(_ range: Range<Int>) -> FloatView {
            gradients.slice(range.lowerBound - firstFloat..<range.upperBound - firstFloat)
        }
        let isAddition = isWritten[parameter.index]
        if !isAddition {
            isWritten[parameter.index] = true
            own(parameter.padding).fill(0)
        }
        return ParameterGradient(values: own(parameter.range), isAddition: isAddition)
    }

    /// Where a shard leaves the factors of a parameter's gradient.
    func factors(of parameter: Parameter, images: Range<Int>) -> (
        outputGradients: MatrixView, inputs: MatrixView
    )? {
        guard let factors = factors[parameter.index] else { return nil }
        precondition(!isWritten[parameter.index], "\(parameter.name) has a second gradient in one pass")
        isWritten[parameter.index] = true
        return factors.rows(images)
    }

    /// Clears the gradients of those parameters to which the first shard has contributed nothing, and what factors a shard has not
    /// left.
    func complete(_ parameters: [Parameter], images: Range<Int>) {
        for index in isWritten.indices {
            if let factors = factors[index] {
                if !isWritten[index] { factors.clear(images) }
                isWritten[index] = false
            } else if !isWritten[index] {
                gradient(of: parameters[index])?.values.fill(0)
            }
        }
    }
}
