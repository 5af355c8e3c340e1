import Foundation

/// Softmax over the channels of each pixel, and the losses computed through it.
public enum SoftmaxKernel {
    /// Writes `exp(x - max) / sum of exp(x - max)` over the channels of each row. `output` may be `input`.
    public static func forward(_ input: Tensor, into output: Tensor) {
        unsafe forEachVector(input, output) { x, y, count in
            let (greatest, total) = unsafe exponentialSum(x, count)
            let scale = Float(1 / total)
            for index in 0..<count { unsafe y[index] = exp(x[index] - greatest) * scale }
        }
    }

    /// With s the softmax, the input's gradient is `s * (dy - <dy, s>)`.
    public static func backward(
        output: Tensor, outputGradient: Tensor, inputGradient: GradientDestination
    ) {
        guard let target = inputGradient.tensor else { return }
        let adds = inputGradient.isAddition
        precondition(output.rows == target.rows && output.rowLength == target.rowLength)
        precondition(outputGradient.rows == target.rows && outputGradient.rowLength == target.rowLength)
        for row in 0..<output.rows {
            let s = unsafe output.base + row * output.rowStride
            let dy = unsafe outputGradient.base + row * outputGradient.rowStride
            let dx = unsafe target.base + row * target.rowStride
            var product: Float = 0
            for index in 0..<output.rowLength { unsafe product += s[index] * dy[index] }
            for index in 0..<output.rowLength {
                let value = unsafe s[index] * (dy[index] - product)
                unsafe dx[index] = adds ? dx[index] + value : value
            }
        }
    }

    /// Cross-entropy of softmax against class labels, computed by log-sum-exp, so that no finite logit
    /// overflows.
    ///
    /// With `p` the softmax and `t` the target, 1 - smoothing on the label plus smoothing / classes on every
    /// class, the loss of an image is `-sum of t log p` and its gradient `p - t`
    /// (Szegedy et al., 2016, "Rethinking the Inception Architecture for Computer Vision").
    ///
    /// - Parameters:
    ///   - logits: `[batch, classes]`.
    ///   - scale: multiplies the gradient, 1 / images of the whole batch for a mean.
    ///   - gradient: where the gradient is written, `[batch, classes]`.
    /// - Returns: the sum of the losses of the images, not scaled.
    public static func crossEntropy(
        logits: Tensor, labels: ArraySlice<Int32>, smoothing: Float, scale: Float, gradient: Tensor?
    ) -> Double {
        let classes = logits.shape.channels
        precondition(logits.shape.isVector && labels.count == logits.batch)
        if let gradient { gradient.checkMatches(logits) }
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            precondition(label >= 0 && label < classes, "label \(label) outside 0..<\(classes)")
            let x = unsafe logits.base + image * logits.rowStride
            let (greatest, total) = unsafe exponentialSum(x, classes)
            let logSum = log(total) + Double(greatest)
            var loss = (1 - Double(smoothing)) * (logSum - Double(unsafe x[Int(label)]))
            if smoothing > 0 {
                var mean = 0.0
                for index in 0..<classes { unsafe mean += Double(x[index]) }
                loss += Double(smoothing) * (logSum - mean / Double(classes))
            }
            sum += loss
            guard let gradient else { continue }
            let dx = unsafe gradient.base + image * gradient.rowStride
            let inverse = Float(1 / total)
            let floor = smoothing / Float(classes)
            for index in 0..<classes {
                let target = floor + (index == label ? 1 - smoothing : 0)
                unsafe dx[index] = (exp(x[index] - greatest) * inverse - target) * scale
            }
        }
        return sum
    }

    @inline(__always) @unsafe
    private static func exponentialSum(_ x: UnsafePointer<Float>, _ count: Int) -> (Float, Double) {
        var greatest = unsafe x[0]
        for index in 1..<max(count, 1) { unsafe greatest = max(greatest, x[index]) }
        var total = 0.0
        for index in 0..<count { unsafe total += Double(exp(x[index] - greatest)) }
        return (greatest, total)
    }

    @inline(__always)
    @unsafe
    private static func forEachVector(
        _ input: Tensor, _ output: Tensor,
        _ body: (_ x: UnsafeMutablePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) -> Void
    ) {
        precondition(input.batch == output.batch && input.shape == output.shape)
        precondition(input.shape.isVector || input.layout == .channelsLast)
        for row in 0..<input.rows {
            unsafe body(
                input.base + row * input.rowStride, output.base + row * output.rowStride, input.rowLength)
        }
    }
}
