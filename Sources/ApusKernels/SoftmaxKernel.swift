import Foundation

/// Softmax over the channels of each pixel, and the losses computed through it.
public enum SoftmaxKernel {
    /// Writes `exp(x - max) / sum of exp(x - max)` over the channels of each pixel. `output` may be `input`.
    public static func forward(_ input: Tensor, into output: Tensor) {
        input.checkMatches(output)
        let (step, outputStep) = (input.channelStride, output.channelStride)
        input.forEachPixel { image, pixel in
            let x = unsafe input.base + input.place(image, pixel, 0)
            let y = unsafe output.base + output.place(image, pixel, 0)
            let (greatest, total) = unsafe exponentialSum(x, input.shape.channels, step)
            let scale = Float(1 / total)
            for index in 0..<input.shape.channels {
                unsafe y[index * outputStep] = exp(x[index * step] - greatest) * scale
            }
        }
    }

    /// With s the softmax, the input's gradient is `s * (dy - <dy, s>)`.
    public static func backward(
        output: Tensor, outputGradient: Tensor, inputGradient: GradientDestination
    ) {
        guard let target = inputGradient.tensor else { return }
        let adds = inputGradient.isAddition
        target.checkMatches(output)
        target.checkMatches(outputGradient)
        let (step, gradientStep, targetStep) =
            (output.channelStride, outputGradient.channelStride, target.channelStride)
        output.forEachPixel { image, pixel in
            let s = unsafe output.base + output.place(image, pixel, 0)
            let dy = unsafe outputGradient.base + outputGradient.place(image, pixel, 0)
            let dx = unsafe target.base + target.place(image, pixel, 0)
            var product: Float = 0
            for index in 0..<output.shape.channels {
                unsafe product += s[index * step] * dy[index * gradientStep]
            }
            for index in 0..<output.shape.channels {
                let value = unsafe s[index * step] * (dy[index * gradientStep] - product)
                let place = index * targetStep
                unsafe dx[place] = adds ? dx[place] + value : value
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
        let step = logits.channelStride
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            precondition(label >= 0 && label < classes, "label \(label) outside 0..<\(classes)")
            let x = unsafe logits.base + logits.place(image, 0, 0)
            let (greatest, total) = unsafe exponentialSum(x, classes, step)
            let logSum = log(total) + Double(greatest)
            var loss = (1 - Double(smoothing)) * (logSum - Double(unsafe x[Int(label) * step]))
            if smoothing > 0 {
                var mean = 0.0
                for index in 0..<classes { unsafe mean += Double(x[index * step]) }
                loss += Double(smoothing) * (logSum - mean / Double(classes))
            }
            sum += loss
            guard let gradient else { continue }
            let dx = unsafe gradient.base + gradient.place(image, 0, 0)
            let inverse = Float(1 / total)
            let floor = smoothing / Float(classes)
            for index in 0..<classes {
                let target = floor + (index == label ? 1 - smoothing : 0)
                unsafe dx[index * step] = (exp(x[index * step] - greatest) * inverse - target) * scale
            }
        }
        return sum
    }

    /// As `crossEntropy`, every class's part of the target times the class's weight.
    ///
    /// With `t` the target times the weights, the loss of an image is `-sum of t log p` and its gradient
    /// `p times the sum of t, - t`.
    ///
    /// - Parameter weights: of the classes, `[classes]`.
    public static func weightedCrossEntropy(
        logits: Tensor, labels: ArraySlice<Int32>, weights: [Float], smoothing: Float, scale: Float,
        gradient: Tensor?
    ) -> Double {
        let classes = logits.shape.channels
        precondition(
            logits.shape.isVector && labels.count == logits.batch && weights.count == classes)
        if let gradient { gradient.checkMatches(logits) }
        let step = logits.channelStride
        let floor = smoothing / Float(classes)
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            precondition(label >= 0 && label < classes, "label \(label) outside 0..<\(classes)")
            let x = unsafe logits.base + logits.place(image, 0, 0)
            let (greatest, total) = unsafe exponentialSum(x, classes, step)
            let logSum = log(total) + Double(greatest)
            var mass: Float = 0
            for index in 0..<classes {
                let target = weights[index] * (floor + (index == label ? 1 - smoothing : 0))
                mass += target
                unsafe sum += Double(target) * (logSum - Double(x[index * step]))
            }
            guard let gradient else { continue }
            let dx = unsafe gradient.base + gradient.place(image, 0, 0)
            let share = mass * Float(1 / total)
            for index in 0..<classes {
                let target = weights[index] * (floor + (index == label ? 1 - smoothing : 0))
                unsafe dx[index * step] = (exp(x[index * step] - greatest) * share - target) * scale
            }
        }
        return sum
    }

    /// The greatest of `count` numbers `step` floats apart, and the sum of the exponentials of what they are below it.
    @inline(__always) @unsafe
    private static func exponentialSum(
        _ x: UnsafePointer<Float>, _ count: Int, _ step: Int
    ) -> (Float, Double) {
        var greatest = unsafe x[0]
        for index in 1..<max(count, 1) { unsafe greatest = max(greatest, x[index * step]) }
        var total = 0.0
        for index in 0..<count { unsafe total += Double(exp(x[index * step] - greatest)) }
        return (greatest, total)
    }
}

extension Tensor {
    /// Calls `body` with each pixel of each image.
    @inline(__always)
    fileprivate func forEachPixel(_ body: (_ image: Int, _ pixel: Int) -> Void) {
        for image in 0..<batch {
            for pixel in 0..<shape.pixels { body(image, pixel) }
        }
    }
}
