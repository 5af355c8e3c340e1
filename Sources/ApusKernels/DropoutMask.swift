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
        for image in 0..<input.batch {
            let random = stream(image)
            let rowsPerImage = input.rows / input.batch
            for row in 0..<rowsPerImage {
                let x = unsafe input.base + (image * rowsPerImage + row) * input.rowStride
                let y = unsafe output.base + (image * rowsPerImage + row) * output.rowStride
                let first = row * input.rowLength
                // Four words at a time, since a block of them costs the same as one.
                var words = random.words(block: first >> 2)
                for index in 0..<input.rowLength {
                    let place = first + index
                    if place & 3 == 0 { words = random.words(block: place >> 2) }
                    let value = words[place & 3] >= threshold ? unsafe x[index] * scale : 0
                    unsafe y[index] = adding ? y[index] + value : value
                }
            }
        }
    }
}
