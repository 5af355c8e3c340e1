import ApusKernels

/// A layer whose weight can be the product of two narrower ones, each in a layer of its own.
///
/// Denton, Zaremba, Bruna, LeCun and Fergus, 2014, "Exploiting linear structure within convolutional networks for
/// efficient evaluation"; Xue, Li and Gong, 2013, "Restructuring of deep neural network acoustic models with singular
/// value decomposition".
public protocol LowRankLayer: Layer {
    /// The extent of the weight as a matrix, `[outputs, inputs]`, a convolution's inputs being those of a pixel.
    var weightMatrix: (rows: Int, columns: Int) { get }
    /// Whether the weight is one such matrix: not that of a convolution in groups, which is several.
    var isFactorable: Bool { get }

    /// The two layers in its place: to `rank` features without a bias, and from these to the outputs.
    func factored(rank: Int) -> Sequential
}

extension LowRankLayer {
    public var isFactorable: Bool { true }
}

extension Linear: LowRankLayer {
    public var weightMatrix: (rows: Int, columns: Int) { (outputs, inputs) }

    public func factored(rank: Int) -> Sequential {
        Sequential {
            Linear(inputs: inputs, outputs: rank, bias: false, weightInitializer: weightInitializer)
            Linear(
                inputs: rank, outputs: outputs, bias: hasBias, weightInitializer: weightInitializer,
                biasInitializer: biasInitializer)
        }
    }
}

extension Conv2D: LowRankLayer {
    public var weightMatrix: (rows: Int, columns: Int) {
        (outputChannels, inputChannels / max(1, groups) * kernelSize.height * kernelSize.width)
    }
    public var isFactorable: Bool { groups == 1 }

    /// A convolution to `rank` channels, which does all that is between pixels, and one of 1x1.
    public func factored(rank: Int) -> Sequential {
        Sequential {
            Conv2D(
                inputChannels: inputChannels, outputChannels: rank, kernelSize: kernelSize, stride: stride,
                padding: padding, dilation: dilation, bias: false, weightInitializer: weightInitializer)
            Conv2D(
                inputChannels: rank, outputChannels: outputChannels, kernelSize: Extent(1), bias: hasBias,
                weightInitializer: weightInitializer, biasInitializer: biasInitializer)
        }
    }
}
