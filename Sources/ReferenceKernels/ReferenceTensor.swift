/// Four-dimensional data in a plain array, channels first as in PyTorch: `[batch, channels, height, width]`.
///
/// The same type holds the weights of a convolution: `[output channels, input channels / groups, height,
/// width]`.
public struct ReferenceTensor<Scalar: BinaryFloatingPoint & Sendable>: Equatable, Sendable {
    public let batch: Int
    public let channels: Int
    public let height: Int
    public let width: Int
    /// The elements, the last extent running fastest.
    public var values: [Scalar]

    @inlinable
    public init(_ batch: Int, _ channels: Int, _ height: Int, _ width: Int, values: [Scalar]) {
        precondition(values.count == batch * channels * height * width, "values do not fill the shape")
        self.batch = batch
        self.channels = channels
        self.height = height
        self.width = width
        self.values = values
    }

    /// All elements equal to `value`.
    @inlinable
    public init(_ batch: Int, _ channels: Int, _ height: Int, _ width: Int, repeating value: Scalar = 0) {
        let count = batch * channels * height * width
        self.init(batch, channels, height, width, values: Array(repeating: value, count: count))
    }

    /// All elements equal to `value`, from the four extents in PyTorch's order.
    @inlinable
    public init(shape: [Int], repeating value: Scalar = 0) {
        precondition(shape.count == 4, "a reference tensor has four extents")
        self.init(shape[0], shape[1], shape[2], shape[3], repeating: value)
    }

    /// From the four extents in PyTorch's order.
    @inlinable
    public init(shape: [Int], values: [Scalar]) {
        precondition(shape.count == 4, "a reference tensor has four extents")
        self.init(shape[0], shape[1], shape[2], shape[3], values: values)
    }

    /// From elements with channels last: `[batch, height, width, channels]`.
    @inlinable
    public init(_ batch: Int, _ channels: Int, _ height: Int, _ width: Int, channelsLast: [Scalar]) {
        precondition(channelsLast.count == batch * channels * height * width, "values do not fill the shape")
        self.init(batch, channels, height, width)
        for n in 0..<batch {
            for c in 0..<channels {
                for y in 0..<height {
                    for x in 0..<width {
                        self[n, c, y, x] = channelsLast[((n * height + y) * width + x) * channels + c]
                    }
                }
            }
        }
    }

    /// The elements with channels last: `[batch, height, width, channels]`.
    @inlinable public var channelsLast: [Scalar] {
        var result: [Scalar] = []
        result.reserveCapacity(values.count)
        for n in 0..<batch {
            for y in 0..<height {
                for x in 0..<width {
                    for c in 0..<channels { result.append(self[n, c, y, x]) }
                }
            }
        }
        return result
    }

    /// Weights with the output channels last: `[height, width, channels, batch]`.
    @inlinable public var outputLast: [Scalar] {
        var result: [Scalar] = []
        result.reserveCapacity(values.count)
        for y in 0..<height {
            for x in 0..<width {
                for c in 0..<channels {
                    for n in 0..<batch { result.append(self[n, c, y, x]) }
                }
            }
        }
        return result
    }

    /// `[batch, channels, height, width]`.
    @inlinable public var shape: [Int] { [batch, channels, height, width] }

    @inlinable public var count: Int { values.count }

    /// Place of an element in `values`.
    @inlinable
    public func index(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Int {
        ((n * channels + c) * height + y) * width + x
    }

    @inlinable
    public subscript(_ n: Int, _ c: Int, _ y: Int, _ x: Int) -> Scalar {
        get { values[index(n, c, y, x)] }
        set { values[index(n, c, y, x)] = newValue }
    }
}

/// Height and width apart; an integer literal says both at once.
public struct ReferenceExtent: Hashable, Sendable, ExpressibleByIntegerLiteral {
    public var height: Int
    public var width: Int

    @inlinable
    public init(_ height: Int, _ width: Int) {
        self.height = height
        self.width = width
    }

    @inlinable public init(integerLiteral both: Int) { self.init(both, both) }
}
