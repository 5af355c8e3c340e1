import ApusKernels

/// A layer that can take over the gradient of a ReLU that ends the layer before it, or leave that of one which ends it to the layer
/// after it.
///
/// That gradient is a mask, zero where the ReLU's output is not above zero. The layer before would read its output again for it,
/// from far away. The layer after need not: a maximum pool knows forward which windows hold nothing above zero, a dropout's own output
/// tells both what was dropped and what the ReLU stopped, and a 1x1 convolution has just read its input for the gradient of its weights
/// when it writes that of the input.
protocol MaskingLayer: Layer {
    /// This layer with the mask of its input, which is a ReLU's output; nil where that is not to be had so.
    func takingMask(_ shape: Shape, in planning: Planning) -> Self?
    /// This layer without the mask of its output; nil where that is no ReLU's, or not masked here.
    func leavingMask() -> Self?
}

extension MaskingLayer {
    func takingMask(_ shape: Shape, in planning: Planning) -> Self? { nil }
    func leavingMask() -> Self? { nil }
}
