import ApusKernels

/// The sum of the products of outputs and fixed weights, whose gradient is those weights: any upstream gradient, a
/// different one for each element.
///
/// Labels are the places of the images' weights. The gradient is that of the sum, not the mean, over the batch.
package struct UpstreamLoss: Loss {
    /// For each image, `[channels, height, width]`.
    package let upstream: [[Float]]

    package init(upstream: [[Float]]) { self.upstream = upstream }

    package func check(_ shape: Shape) throws {}

    package func evaluate(
        outputs: Tensor, labels: ArraySlice<Int32>, scale: Float, gradient: Tensor?
    ) -> Double {
        var sum = 0.0
        for (image, label) in labels.enumerated() {
            let weights = upstream[Int(label)]
            let values = outputs.images(image..<image + 1).channelsFirstArray
            for (value, weight) in zip(values, weights) { sum += Double(value) * Double(weight) }
            gradient?.load(image, channelsFirst: weights)
        }
        return sum
    }
}
