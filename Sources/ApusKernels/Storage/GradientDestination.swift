/// Where a layer's gradient with respect to its input goes.
public enum GradientDestination: Sendable {
    /// Nobody reads it, as below the first layer: do not compute it.
    case discard
    /// Write it, whatever the tensor holds.
    case overwrite(Tensor)
    /// Add it to what the tensor holds.
    case add(Tensor)

    /// The tensor to write or add to.
    public var tensor: Tensor? {
        switch self {
        case .discard: nil
        case .overwrite(let tensor), .add(let tensor): tensor
        }
    }

    public var isAddition: Bool {
        if case .add = self { true } else { false }
    }

    /// Makes every further write an addition: zeroes the tensor unless its content counts.
    public func clear() {
        if case .overwrite(let tensor) = self { tensor.fill(0) }
    }

    /// The same place, with what comes next added.
    public var adding: GradientDestination {
        tensor.map { .add($0) } ?? .discard
    }

    /// Writes or adds `gradient(dy, v)` for each element dy of `outputGradient` and v of `values`, the
    /// input or output its layer's derivative is computed from.
    @inlinable
    public func apply(
        _ outputGradient: Tensor, _ values: Tensor, _ gradient: (_ dy: Float, _ value: Float) -> Float
    ) {
        switch self {
        case .discard: return
        case .overwrite(let target): target.zip(outputGradient, values, gradient)
        case .add(let target): target.accumulate(outputGradient, values, gradient)
        }
    }

    /// Writes or adds `gradient`, of the target's batch, shape and layout.
    public func apply(_ gradient: Tensor) {
        switch self {
        case .discard: return
        case .overwrite(let target): target.copy(from: gradient)
        case .add(let target): target.add(gradient)
        }
    }

    /// Writes or adds a gradient of vectors, in the order channel, row, column, to a target of maps.
    package func unflatten(_ gradient: Tensor) {
        guard let target = tensor else { return }
        precondition(gradient.shape == .features(target.shape.count) && gradient.batch == target.batch)
        let adds = isAddition
        target.forEachPlace { image, pixel, channel in
            let feature = channel * target.shape.pixels + pixel
            let place = target.place(image, pixel, channel)
            let value = unsafe gradient.base[gradient.place(image, 0, feature)]
            unsafe target.base[place] = adds ? target.base[place] + value : value
        }
    }

    /// The same destination under another shape (see `Tensor.viewed`).
    package func viewed(as shape: Shape) -> GradientDestination {
        switch self {
        case .discard: .discard
        case .overwrite(let tensor): .overwrite(tensor.viewed(as: shape))
        case .add(let tensor): .add(tensor.viewed(as: shape))
        }
    }
}

extension Tensor {
    /// Adds to each element `combine` of the elements of `first` and `second` at the same place.
    @inlinable
    func accumulate(_ first: Tensor, _ second: Tensor, _ combine: (Float, Float) -> Float) {
        checkMatches(first)
        checkMatches(second)
        for row in 0..<rows {
            let output = unsafe base + row * rowStride
            let one = unsafe first.base + row * first.rowStride
            let two = unsafe second.base + row * second.rowStride
            for index in 0..<rowLength { unsafe output[index] += combine(one[index], two[index]) }
        }
    }
}
