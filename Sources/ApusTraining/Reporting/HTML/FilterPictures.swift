import ApusFormats
import ApusNN

/// The filters of a network's first convolution as pictures: grey or in colour, as the images it looks at; zero is the
/// middle grey, and the greatest weight of all filters is black or white.
struct FilterPictures: Sendable {
    /// The parameter's name.
    let name: String
    let images: [PixelImage]

    private static let mostFilters = 128

    /// Nil where the first weights are none of a convolution, or of one that sees other than 1 or 3 channels.
    init?(_ network: Network) {
        guard let weights = network.parameters.first(where: { $0.shape.count > 1 }), weights.shape.count == 4,
            [1, 3].contains(weights.shape[1])
        else { return nil }
        let (channels, height, width) = (weights.shape[1], weights.shape[2], weights.shape[3])
        let values = network.values(of: weights)
        let greatest = values.reduce(0) { max($0, abs($1)) }
        let area = height * width
        name = weights.name
        images = (0..<min(weights.shape[0], Self.mostFilters)).map { filter in
            let samples = (0..<area * channels).map { place in
                let value = values[(filter * channels + place % channels) * area + place / channels]
                let share = value / greatest
                // Weights that are zero, or not finite, as after a run that diverged, are shown as zero.
                return UInt8((128 + 127 * (share.isFinite ? share : 0)).rounded())
            }
            return PixelImage(height: height, width: width, channels: channels, samples: samples)
        }
    }
}
