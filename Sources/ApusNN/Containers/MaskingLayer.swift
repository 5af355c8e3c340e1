import ApusKernels

/// A layer that can take over the gradient of a ReLU that ends the layer before it, or leave that of one which ends it to the layer
/// after it.
///
/// That gradient is a mask, zero where the ReLU's output is. The layer after has this output at hand when it writes the gradient that
/// is to be masked; the layer before would read it again, from far away.
protocol MaskingLayer: Layer {
    /// This layer with the mask of its input, which is a ReLU's output; nil where it has none to give.
    func takingMask(_ shape: Shape, in planning: Planning) -> (any Layer)?
    /// This layer without the mask of its output; nil where that is no ReLU's.
    func leavingMask() -> (any Layer)?
}

extension MaskingLayer {
    func takingMask(_ shape: Shape, in planning: Planning) -> (any Layer)? { nil }
    func leavingMask() -> (any Layer)? { nil }
}
