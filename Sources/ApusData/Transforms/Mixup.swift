import ApusKernels

/// Mixes another image into each, and their classes with the same shares (Zhang, Cisse, Dauphin and Lopez-Paz, 2018,
/// "mixup: Beyond Empirical Risk Minimization").
///
/// It is the last that is done to an image: what is mixed in is what the transforms make of the other image in the same
/// epoch. That is drawn from all images of the dataset, as the paper says.
///
/// **Deviations**: each image has a share of its own, where the paper's code draws one for a batch; so an image does
/// not depend on those that are computed with it.
public struct Mixup: Sendable, Hashable, CustomStringConvertible {
    /// Of the distribution Beta(alpha, alpha) of the shares: small ones mix little into most images.
    public let alpha: Double

    public static let defaultAlpha = 0.2

    public init(alpha: Double = defaultAlpha) { self.alpha = alpha }

    public func check() throws { try TransformError.check(alpha, "mixup", in: 0.01...100) }

    /// What is mixed into an image.
    public struct Partner: Sendable, Hashable {
        /// The number of the other image.
        public let image: Int
        /// Its share, from 0 to 1.
        public let share: Float
    }

    /// What is mixed into image number `index` of `count` in an epoch.
    public func partner(of index: Int, count: Int, seed: UInt64, epoch: Int) -> Partner {
        let random = CounterRandom(seed: seed, purpose: .mixup, epoch: epoch, sample: index)
        // The image takes the first block of the stream.
        return Partner(
            image: random.integer(below: count, at: 0), share: Float(random.beta(alpha, alpha, block: 1)))
    }

    public var description: String { "mixup=\(alpha.text)" }
}
