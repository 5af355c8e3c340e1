import ApusKernels

/// What the images of a shard are to come out as, and how far from that their outputs are.
///
/// The loss of an image that another was mixed into is `(1 - share)` times that for its own class plus `share` times
/// that for the other's, whatever the loss, and its gradient the same of the gradients.
struct ShardTargets {
    private var labels: [Int32]
    private var partners: [Int32]
    private var shares: [Float]
    private var isMixed = false
    /// Each image's own and other class by itself, as losses are given them where images are mixed.
    private var own: [[Int32]]
    private var others: [[Int32]]
    /// The gradient of one image, for the class of what was mixed in.
    private let partnerBlock: FloatBuffer
    private let partnerGradient: Tensor

    init(images: Int, output: Shape, layout: Layout) throws {
        labels = [Int32](repeating: 0, count: images)
        partners = [Int32](repeating: 0, count: images)
        shares = [Float](repeating: 0, count: images)
        own = labels.map { [$0] }
        others = own
        partnerBlock = try FloatBuffer(count: layout.floats(batch: 1, output))
        partnerGradient = Tensor(partnerBlock.view, batch: 1, shape: output, layout: layout)
    }

    /// Takes those of the images at `positions` of the batch.
    mutating func load(_ positions: Range<Int>, of source: any BatchSource) {
        isMixed = false
        for (index, position) in positions.enumerated() {
            labels[index] = Int32(source.label(at: position))
            let mixture = source.mixture(at: position)
            partners[index] = Int32(mixture?.label ?? 0)
            shares[index] = mixture?.share ?? 0
            if shares[index] > 0 { isMixed = true }
        }
        guard isMixed else { return }
        for index in 0..<positions.count {
            own[index][0] = labels[index]
            others[index][0] = partners[index]
        }
    }

    /// The sum of the losses of the images, each times what it counts, and the gradient of `scale` times that sum.
    func evaluate(_ loss: any Loss, outputs: Tensor, scale: Float, gradient: Tensor?) -> Double {
        guard isMixed else {
            return loss.evaluate(
                outputs: outputs, labels: labels[..<outputs.batch], scale: scale, gradient: gradient)
        }
        var sum = 0.0
        for index in 0..<outputs.batch {
            let image = index..<index + 1
            let (output, gradient, share) = (outputs.images(image), gradient?.images(image), shares[index])
            sum +=
                Double(1 - share)
                * loss.evaluate(
                    outputs: output, labels: own[index][...], scale: (1 - share) * scale, gradient: gradient)
            guard share > 0 else { continue }
            sum +=
                Double(share)
                * loss.evaluate(
                    outputs: output, labels: others[index][...], scale: share * scale,
                    gradient: gradient.map { _ in partnerGradient })
            gradient?.addImages(partnerGradient)
        }
        return sum
    }

    /// The images whose greatest output is that of their class, of two the one of the greater share; none where
    /// outputs are maps.
    func correct(_ outputs: Tensor) -> Int {
        guard outputs.shape.isVector else { return 0 }
        return (0..<outputs.batch).count { index in
            let label = shares[index] > 0.5 ? partners[index] : labels[index]
            return Reductions.argmax(outputs, image: index) == Int(label)
        }
    }
}
