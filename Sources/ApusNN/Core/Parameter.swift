import ApusKernels

/// A parameter as its layer books it: name, shape, and what it starts from.
public struct ParameterSpecification: Sendable {
    /// How a parameter's elements lie in memory, as against files.
    public enum Order: Sendable {
        /// As in files.
        case same
        /// Files have `[output, input, height, width]`, memory `[height, width, input, output]`: what
        /// convolution wants when channels are last.
        case outputLast
    }

    /// The name within its layer, such as `weight`.
    public let name: String
    /// The shape in files: PyTorch's, `[output, input, height, width]` or `[output, input]` for weights.
    public let shape: [Int]
    public let initializer: Initializer
    public let order: Order
    /// Whether backward can leave two factors of a matrix's gradient for each image (`LayerContext.gradientFactors`), in place
    /// of the gradient.
    var hasGradientFactors = false

    public init(_ name: String, shape: [Int], initializer: Initializer, order: Order = .same) {
        self.name = name
        self.shape = shape
        self.initializer = initializer
        self.order = order
    }

    var count: Int { shape.reduce(1, *) }

    /// Elements in the order of memory from those in the order of files, or back.
    func reordered(_ values: [Float], toFile: Bool) -> [Float] {
        guard order == .outputLast, shape.count == 4 else { return values }
        let (outputs, inputs, taps) = (shape[0], shape[1], shape[2] * shape[3])
        var result = values
        for output in 0..<outputs {
            for input in 0..<inputs {
                for tap in 0..<taps {
                    let file = (output * inputs + input) * taps + tap
                    let memory = (tap * inputs + input) * outputs + output
                    if toFile { result[file] = values[memory] } else { result[memory] = values[file] }
                }
            }
        }
        return result
    }
}

/// A parameter of a planned network.
public struct Parameter: Sendable {
    public let specification: ParameterSpecification
    /// Its place among the network's parameters.
    let index: Int
    /// The full name, such as `conv1.weight`.
    public let name: String
    /// Its place in the network's block of parameters.
    public let range: Range<Int>
    /// The floats from there to the next parameter, which sums and optimisers run over: their gradients stay zero.
    var padding: Range<Int> { range.upperBound..<FloatBuffer.aligned(range.upperBound) }
    /// Whether training leaves it as it is.
    public let isFrozen: Bool

    public var shape: [Int] { specification.shape }
    /// Whether its gradient can be made of factors and is wanted.
    var hasGradientFactors: Bool { specification.hasGradientFactors && !isFrozen }
    public var count: Int { range.count }
}
