import ApusKernels
import ApusNN

/// The mean of the gradients of noisy copies of the image (Smilkov et al., 2017, "SmoothGrad: removing noise by adding
/// noise"), shown as in `Saliency`: of each pixel the greatest magnitude of the mean in any channel.
///
/// The noise is normal, its deviation a part of the range of the image's own values, from the least to the greatest. It
/// follows from the seed, the copy and the place alone, so that an image has one map, whatever is explained with it.
public struct SmoothGrad: ExplanationMethod {
    /// Copies, and their deviation, where nothing else is said: the paper sees little change beyond 50, and finds 0.1 to
    /// 0.2 best.
    public static let defaultSamples = 50
    public static let defaultNoise = 0.15

    /// Noisy copies.
    public let samples: Int
    /// The deviation, as a part of the image's range.
    public let noise: Double
    public let seed: UInt64

    /// - Parameters:
    ///   - samples: noisy copies.
    ///   - noise: the deviation as a part of the image's range.
    public init(
        samples: Int = SmoothGrad.defaultSamples, noise: Double = SmoothGrad.defaultNoise, seed: UInt64 = 0
    ) {
        self.samples = samples
        self.noise = noise
        self.seed = seed
    }

    public var name: String { "SmoothGrad" }
    public var isSigned: Bool { false }

    /// - Throws: `ExplanationError.invalidSetting` where there is no sample, or no noise to speak of.
    public func layer(in network: Network) throws -> PlannedLayer? {
        guard samples >= 1 else {
            throw ExplanationError.invalidSetting(
                name: "number of samples", found: "\(samples)", expected: "at least 1")
        }
        guard noise >= 0, noise.isFinite else {
            throw ExplanationError.invalidSetting(
                name: "noise", found: "\(noise)", expected: "a part of the image's range, at least 0")
        }
        return nil
    }

    public func maps(_ request: ExplanationRequest) throws -> [AttributionMap] {
        let deviations = (0..<request.count).map { image -> Float in
            let values = request.input(image)
            return Float(noise) * ((values.max() ?? 0) - (values.min() ?? 0))
        }
        var maps: [AttributionMap] = []
        var sums: [Double] = []
        try request.forEachInputGradient(of: variants(deviations)) { variant, gradient in
            if variant % samples == 0 { sums = [Double](repeating: 0, count: gradient.values.count) }
            for (place, value) in gradient.values.enumerated() { sums[place] += Double(value) }
            guard variant % samples == samples - 1 else { return }
            let mean = FeatureMaps(
                shape: gradient.shape, values: sums.map { Float($0 / Double(samples)) })
            maps.append(mean.greatestMagnitudes)
        }
        return maps
    }

    /// The copies of one image after those of another.
    private func variants(_ deviations: [Float]) -> ImageVariants {
        let (samples, seed) = (samples, seed)
        return ImageVariants(count: deviations.count * samples, of: { $0 / samples }) {
            variant, tensor, index in
            let deviation = deviations[variant / samples]
            let random = CounterRandom(seed: seed, purpose: .smoothing, epoch: variant % samples)
            let shape = tensor.shape
            var place = 0
            for channel in 0..<shape.channels {
                for y in 0..<shape.height {
                    for x in 0..<shape.width {
                        tensor[index, y, x, channel] += deviation * random.normal(at: place)
                        place += 1
                    }
                }
            }
        }
    }
}

extension ExplanationMethod where Self == SmoothGrad {
    /// See `SmoothGrad`.
    public static func smoothGrad(
        samples: Int = SmoothGrad.defaultSamples, noise: Double = SmoothGrad.defaultNoise, seed: UInt64 = 0
    ) -> SmoothGrad {
        SmoothGrad(samples: samples, noise: noise, seed: seed)
    }
}
