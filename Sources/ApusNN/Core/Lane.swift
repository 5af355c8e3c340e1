import ApusKernels

/// What one lane sums up over the shards of a batch that are dealt to it.
final class Lane: @unchecked Sendable {
    var lossSum = 0.0
    var correct = 0
    /// Laid out as the network's trained parameters; nil in inference.
    let gradients: FloatView?
    /// Of each of the network's parameters, whether its gradient holds something of this batch. All are not cleared before
    /// it: the first contribution is written, or clears what it adds to, which then is in cache.
    private var isWritten: [Bool]

    init(gradients: FloatView?, parameters: Int) {
        self.gradients = gradients
        isWritten = [Bool](repeating: false, count: parameters)
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
        let isAddition = isWritten[parameter.index]
        if !isAddition {
            isWritten[parameter.index] = true
            // Sums and optimisers run over the floats up to the next parameter, which stay zero.
            let end = FloatBuffer.aligned(parameter.range.upperBound)
            gradients.slice(parameter.range.upperBound..<end).fill(0)
        }
        return ParameterGradient(values: gradients.slice(parameter.range), isAddition: isAddition)
    }

    /// Clears the gradients of those parameters to which the first shard has contributed nothing.
    func complete(_ parameters: [Parameter]) {
        for index in isWritten.indices where !isWritten[index] {
            gradient(of: parameters[index])?.values.fill(0)
        }
    }
}
