extension ReferencePooling {
    /// The mean of each window.
    ///
    /// With `countingPadding` (PyTorch's `count_include_pad`) the sum is divided by the pixels of the window
    /// within the input and its padding, and otherwise by those within the input. What a window rounded up
    /// covers beyond the padding counts in neither.
    @inlinable
    public func average<Scalar>(
        _ input: ReferenceTensor<Scalar>, countingPadding: Bool = true
    ) -> ReferenceTensor<Scalar> {
        var output = ReferenceTensor<Scalar>(shape: outputShape(inputShape: input.shape))
        forEachOutput(inputShape: input.shape) { place, plane, window in
            var sum: Scalar = 0
            for y in window.rows {
                for x in window.columns { sum += input.values[(plane * input.height + y) * input.width + x] }
            }
            output.values[place] = sum / Scalar(window.divisor(countingPadding: countingPadding))
        }
        return output
    }

    /// The gradient with respect to the input, which has `inputShape`: each output's shared out evenly.
    @inlinable
    public func averageInputGradient<Scalar>(
        _ outputGradient: ReferenceTensor<Scalar>, inputShape: [Int], countingPadding: Bool = true
    ) -> ReferenceTensor<Scalar> {
        precondition(
            outputGradient.shape == outputShape(inputShape: inputShape),
            "the gradient is not of this output's shape")
        var gradient = ReferenceTensor<Scalar>(shape: inputShape)
        forEachOutput(inputShape: inputShape) { place, plane, window in
            let share =
                outputGradient.values[place] / Scalar(window.divisor(countingPadding: countingPadding))
            for y in window.rows {
                for x in window.columns {
                    gradient.values[(plane * gradient.height + y) * gradient.width + x] += share
                }
            }
        }
        return gradient
    }
}

extension ReferencePooling.Window {
    @inlinable
    func divisor(countingPadding: Bool) -> Int { countingPadding ? paddedCount : rows.count * columns.count }
}
