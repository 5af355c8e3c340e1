import ApusKernels

/// What one lane sums up over the shards of a batch that are dealt to it.
final class Lane: @unchecked Sendable {
    /// A parameter's gradient, and whether what comes is to be added to what it holds.
    typealias Destination = (values: FloatView, isAddition: Bool)

    var lossSum = 0.0
    var correct = 0
    /// Laid out as the network's trained parameters; nil in inference.
    let gradients: FloatView?
    /// Of each of the network's parameters, whether its gradient has been written since the batch began. The first shard
    /// need not add, and what it adds to is in cache when it was cleared just before.
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

    /// Where a layer sends a parameter's gradient: all of it, the first time.
    func destination(of parameter: Parameter) -> Destination? {
        guard !parameter.isFrozen, let gradients else { return nil }
        let isAddition = isWritten[parameter.index]
        if !isAddition {
            isWritten[parameter.index] = true
            let end = FloatBuffer.aligned(parameter.range.upperBound)
            gradients.slice(parameter.range.upperBound..<end).fill(0)
        }
        return (gradients.slice(parameter.range), isAddition)
    }

    /// Clears the gradients of those parameters that no layer has touched.
    func complete(_ parameters: [Parameter]) {
        for parameter in parameters where !isWritten[parameter.index] {
            destination(of: parameter)?.values.fill(0)
        }
    }
}
