extension ReferencePooling {
    /// The maximum of each window, and where it is: `row * width + column` in the plane of its image and
    /// channel.
    ///
    /// Of equal maxima the first in reading order counts; a NaN wins over any number. Padding never wins.
    @inlinable
    public func maximum<Scalar>(
        _ input: ReferenceTensor<Scalar>
    ) -> (output: ReferenceTensor<Scalar>, indices: [Int]) {
        var output = ReferenceTensor<Scalar>(shape: outputShape(inputShape: input.shape))
        var indices = [Int](repeating: 0, count: output.count)
        forEachOutput(inputShape: input.shape) { place, plane, window in
            let origin = plane * input.height * input.width
            var best = window.rows.lowerBound * input.width + window.columns.lowerBound
            for y in window.rows {
                for x in window.columns {
                    let value = input.values[origin + y * input.width + x]
                    if value > input.values[origin + best] || value.isNaN { best = y * input.width + x }
                }
            }
            output.values[place] = input.values[origin + best]
            indices[place] = best
        }
        return (output, indices)
    }

    /// The gradient with respect to the input, which has `inputShape`: each output's goes to its maximum.
    @inlinable
    public func maximumInputGradient<Scalar>(
        _ outputGradient: ReferenceTensor<Scalar>, indices: [Int], inputShape: [Int]
    ) -> ReferenceTensor<Scalar> {
        precondition(
            outputGradient.shape == outputShape(inputShape: inputShape)
                && indices.count == outputGradient.count,
            "the gradient is not of this output's shape")
        var gradient = ReferenceTensor<Scalar>(shape: inputShape)
        forEachOutput(inputShape: inputShape) { place, plane, _ in
            gradient.values[plane * gradient.height * gradient.width + indices[place]] +=
                outputGradient.values[place]
        }
        return gradient
    }
}
