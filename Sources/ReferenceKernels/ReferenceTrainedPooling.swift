/// The subsampling of LeNet-5: the sum of each 2x2 window times a trained coefficient, plus a trained bias,
/// both a value for each channel. The squashing function that follows it there is left to an activation.
///
/// LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", II.B.
public enum ReferenceTrainedPooling {
    /// The output `[batch, channels, height / 2, width / 2]`.
    @inlinable
    public static func forward<Scalar>(
        _ input: ReferenceTensor<Scalar>, coefficients: [Scalar], bias: [Scalar]
    ) -> ReferenceTensor<Scalar> {
        var output = windowSums(input)
        for place in output.values.indices {
            let channel = output.channel(of: place)
            output.values[place] = coefficients[channel] * output.values[place] + bias[channel]
        }
        return output
    }

    /// The gradients with respect to input, coefficients and bias.
    @inlinable
    public static func gradients<Scalar>(
        _ outputGradient: ReferenceTensor<Scalar>, input: ReferenceTensor<Scalar>, coefficients: [Scalar]
    ) -> (input: ReferenceTensor<Scalar>, coefficients: [Scalar], bias: [Scalar]) {
        let sums = windowSums(input)
        precondition(sums.shape == outputGradient.shape, "the gradient is not of this output's shape")
        var inputGradient = ReferenceTensor<Scalar>(shape: input.shape)
        var coefficientGradient = [Scalar](repeating: 0, count: input.channels)
        var biasGradient = coefficientGradient
        for (place, upstream) in outputGradient.values.enumerated() {
            let channel = sums.channel(of: place)
            coefficientGradient[channel] += upstream * sums.values[place]
            biasGradient[channel] += upstream
        }
        for n in 0..<sums.batch {
            for c in 0..<sums.channels {
                for y in 0..<sums.height * 2 {
                    for x in 0..<sums.width * 2 {
                        inputGradient[n, c, y, x] = coefficients[c] * outputGradient[n, c, y / 2, x / 2]
                    }
                }
            }
        }
        return (inputGradient, coefficientGradient, biasGradient)
    }

    @inlinable
    static func windowSums<Scalar>(_ input: ReferenceTensor<Scalar>) -> ReferenceTensor<Scalar> {
        var sums = ReferenceTensor<Scalar>(input.batch, input.channels, input.height / 2, input.width / 2)
        for n in 0..<sums.batch {
            for c in 0..<sums.channels {
                for y in 0..<sums.height * 2 {
                    for x in 0..<sums.width * 2 { sums[n, c, y / 2, x / 2] += input[n, c, y, x] }
                }
            }
        }
        return sums
    }
}

extension ReferenceTensor {
    /// The channel of an element, by its place in `values`.
    @inlinable
    func channel(of place: Int) -> Int { place / (height * width) % channels }
}
