/// Inverted dropout (Srivastava et al., 2014, "Dropout: A Simple Way to Prevent Neural Networks from
/// Overfitting"): kept elements are scaled by 1 / (1 - rate), so that inference changes nothing.
public enum DropoutMask {
    /// Zeroes each element with probability `rate`, by the random numbers of its image's stream.
    ///
    /// `output` may be `input`. The same streams on the gradient are the backward pass.
    ///
    /// - Parameter stream: the random numbers of an image of the batch, a word for each element.
    public static func apply(
        _ input: Tensor, rate: Float, into output: Tensor, adding: Bool = false,
        stream: (_ image: Int) -> CounterRandom
    ) {
        input.checkMatches(output)
        let threshold = UInt32(min(Double(rate) * 0x1p32, 0x1p32 - 1))
        let scale = 1 / (1 - rate)
        guard input.layout != .imagesLast else {
            for image in 0..<input.batch {
                var random = stream(image).words
                unsafe VectorKernels.current.dropout_image(
                    &random, input.shape.count, threshold, scale, adding,
                    input.base + input.place(image, 0, 0), output.base + output.place(image, 0, 0))
            }
            return
        }
        let isDense = input.isDense && output.isDense
        let rowsPerImage = isDense ? 1 : input.rows / input.batch
        let rowLength = isDense ? input.shape.count : input.rowLength
        for image in 0..<input.batch {
            var random = stream(image).words
            for row in 0..<rowsPerImage {
                unsafe VectorKernels.current.dropout(
                    &random, row * rowLength, rowLength, threshold, scale, adding,
                    input.base + image * input.blockStride + row * input.rowStride,
                    output.base + image * output.blockStride + row * output.rowStride)
            }
        }
    }
}
