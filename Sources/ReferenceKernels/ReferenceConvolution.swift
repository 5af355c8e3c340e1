/// A 2-D convolution written as its definition.
///
/// With `x` zero outside its extents and g the group of output channel o,
/// `y[n, o, p, q] = b[o] + sum over c, i, j of w[o, c, i, j] * x[n, g * C / groups + c,
/// p * stride - padding + i * dilation, q * stride - padding + j * dilation]`, summed in the order c, i, j.
public struct ReferenceConvolution: Hashable, Sendable {
    public var stride: ReferenceExtent
    /// Rows of zeros above and below, columns of zeros left and right.
    public var padding: ReferenceExtent
    public var dilation: ReferenceExtent
    public var groups: Int

    @inlinable
    public init(
        stride: ReferenceExtent = 1, padding: ReferenceExtent = 0, dilation: ReferenceExtent = 1,
        groups: Int = 1
    ) {
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
    }

    /// Rows and columns of output, rounded down; the kernel must fit.
    @inlinable
    public func outputExtent(input: ReferenceExtent, kernel: ReferenceExtent) -> ReferenceExtent {
        let rows = input.height + 2 * padding.height - dilation.height * (kernel.height - 1) - 1
        let columns = input.width + 2 * padding.width - dilation.width * (kernel.width - 1) - 1
        precondition(rows >= 0 && columns >= 0, "the kernel does not fit its input")
        return ReferenceExtent(rows / stride.height + 1, columns / stride.width + 1)
    }

    /// The output `[batch, output channels, rows, columns]` for weights `[output channels, input channels /
    /// groups, kernel height, kernel width]`.
    @inlinable
    public func forward<Scalar>(
        _ input: ReferenceTensor<Scalar>, weights: ReferenceTensor<Scalar>, bias: [Scalar]? = nil
    ) -> ReferenceTensor<Scalar> {
        let walk = ReferenceConvolutionWalk(self, input: input.shape, weights: weights.shape)
        var output = ReferenceTensor<Scalar>(shape: walk.outputShape)
        walk.forEachOutput { place, n, o, y, x in
            var sum = bias?[o] ?? 0
            walk.forEachTap(n, o, y, x) { i, w in sum += input.values[i] * weights.values[w] }
            output.values[place] = sum
        }
        return output
    }

    /// The gradient with respect to the input, which has `inputShape`.
    @inlinable
    public func inputGradient<Scalar>(
        _ outputGradient: ReferenceTensor<Scalar>, weights: ReferenceTensor<Scalar>, inputShape: [Int]
    ) -> ReferenceTensor<Scalar> {
        let walk = ReferenceConvolutionWalk(self, input: inputShape, weights: weights.shape)
        precondition(walk.outputShape == outputGradient.shape, "the gradient is not of this output's shape")
        var gradient = ReferenceTensor<Scalar>(shape: inputShape)
        walk.forEachOutput { place, n, o, y, x in
            let upstream = outputGradient.values[place]
            walk.forEachTap(n, o, y, x) { i, w in gradient.values[i] += upstream * weights.values[w] }
        }
        return gradient
    }

    /// The gradient with respect to the weights, which have `weightShape`.
    @inlinable
    public func weightGradient<Scalar>(
        _ outputGradient: ReferenceTensor<Scalar>, input: ReferenceTensor<Scalar>, weightShape: [Int]
    ) -> ReferenceTensor<Scalar> {
        let walk = ReferenceConvolutionWalk(self, input: input.shape, weights: weightShape)
        precondition(walk.outputShape == outputGradient.shape, "the gradient is not of this output's shape")
        var gradient = ReferenceTensor<Scalar>(shape: weightShape)
        walk.forEachOutput { place, n, o, y, x in
            let upstream = outputGradient.values[place]
            walk.forEachTap(n, o, y, x) { i, w in gradient.values[w] += upstream * input.values[i] }
        }
        return gradient
    }

    /// The gradient with respect to the bias: the sum over images and pixels, a value for each output
    /// channel.
    @inlinable
    public func biasGradient<Scalar>(_ outputGradient: ReferenceTensor<Scalar>) -> [Scalar] {
        let pixels = outputGradient.height * outputGradient.width
        var gradient = [Scalar](repeating: 0, count: outputGradient.channels)
        for (place, value) in outputGradient.values.enumerated() {
            gradient[place / pixels % outputGradient.channels] += value
        }
        return gradient
    }
}

/// Which input meets which weight in which output: the indices of a convolution, said once for all its
/// passes.
@usableFromInline
struct ReferenceConvolutionWalk {
    @usableFromInline let convolution: ReferenceConvolution
    @usableFromInline let batch, outputChannels, inputChannels, groupInputChannels: Int
    @usableFromInline let input, kernel, output: ReferenceExtent

    @inlinable
    init(_ convolution: ReferenceConvolution, input: [Int], weights: [Int]) {
        precondition(
            input[1] == weights[1] * convolution.groups && weights[0] % convolution.groups == 0,
            "channels and groups do not agree")
        self.convolution = convolution
        batch = input[0]
        inputChannels = input[1]
        outputChannels = weights[0]
        groupInputChannels = weights[1]
        self.input = ReferenceExtent(input[2], input[3])
        kernel = ReferenceExtent(weights[2], weights[3])
        output = convolution.outputExtent(input: self.input, kernel: kernel)
    }

    @inlinable var outputShape: [Int] { [batch, outputChannels, output.height, output.width] }

    /// Calls `body` with each output's place among the values, image, channel, row and column.
    @inlinable
    func forEachOutput(_ body: (_ place: Int, _ n: Int, _ o: Int, _ y: Int, _ x: Int) -> Void) {
        var place = 0
        for n in 0..<batch {
            for o in 0..<outputChannels {
                for y in 0..<output.height {
                    for x in 0..<output.width {
                        body(place, n, o, y, x)
                        place += 1
                    }
                }
            }
        }
    }

    /// Calls `body` with the places of each input and weight that one output is the sum of.
    @inlinable
    func forEachTap(_ n: Int, _ o: Int, _ y: Int, _ x: Int, _ body: (_ input: Int, _ weight: Int) -> Void) {
        let group = o / (outputChannels / convolution.groups)
        for c in 0..<groupInputChannels {
            let plane = n * inputChannels + group * groupInputChannels + c
            for i in 0..<kernel.height {
                let row =
                    y * convolution.stride.height - convolution.padding.height + i
                    * convolution.dilation.height
                guard 0..<input.height ~= row else { continue }
                for j in 0..<kernel.width {
                    let column =
                        x * convolution.stride.width - convolution.padding.width + j
                        * convolution.dilation.width
                    guard 0..<input.width ~= column else { continue }
                    body(
                        (plane * input.height + row) * input.width + column,
                        ((o * groupInputChannels + c) * kernel.height + i) * kernel.width + j)
                }
            }
        }
    }
}
