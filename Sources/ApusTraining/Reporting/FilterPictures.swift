import ApusFormats
import ApusNN

/// The filters of a convolution as pictures: zero is the middle grey, and the greatest weight black or white.
public struct FilterPictures: Sendable, Equatable {
    /// Which filters share a greatest weight.
    public enum Scale: String, Sendable, CaseIterable {
        /// All: their pictures can be compared.
        case all
        /// None: the shape of a weak filter shows as well as that of a strong one.
        case each
    }

    /// The parameter's name.
    public let name: String
    /// `[filters, channels, height, width]`; the channels are those that a filter sees.
    public let shape: [Int]
    /// For each filter one picture, in colour where it sees three channels; or where it sees others than 1 or 3, one for
    /// each of them.
    public let filters: [[PixelImage]]
    /// The greatest magnitude of a weight of each filter.
    public let greatest: [Float]

    /// - Parameters:
    ///   - weights: a parameter of `network`, of the shape `[filters, channels, height, width]`.
    ///   - count: the most filters, by default all.
    public init(_ network: Network, _ weights: Parameter, scale: Scale = .all, count: Int? = nil) {
        precondition(weights.shape.count == 4, "filters of shape \(weights.shape)")
        let (channels, height, width) = (weights.shape[1], weights.shape[2], weights.shape[3])
        let values = network.values(of: weights)
        let size = channels * height * width
        name = weights.name
        shape = weights.shape
        let filters = (0..<min(weights.shape[0], count ?? .max)).map {
            values[$0 * size..<($0 + 1) * size]
        }
        greatest = filters.map { $0.reduce(0) { max($0, abs($1)) } }
        // Of all there are, those not shown included.
        let common = values.reduce(0) { max($0, abs($1)) }
        self.filters = zip(filters, greatest).map { filter, own in
            let unit = scale == .all ? common : own
            func picture(_ shown: Range<Int>) -> PixelImage {
                let area = height * width
                let samples = (0..<area * shown.count).map { place in
                    let channel = shown.lowerBound + place % shown.count
                    return Self.sample(
                        filter[filter.startIndex + channel * area + place / shown.count] / unit)
                }
                return PixelImage(height: height, width: width, channels: shown.count, samples: samples)
            }
            return channels == 3 ? [picture(0..<3)] : (0..<channels).map { picture($0..<$0 + 1) }
        }
    }

    /// The first convolution's filters, where it looks at grey or coloured images; nil where the first weights are others.
    init?(first network: Network) {
        guard let weights = network.parameters.first(where: { $0.shape.count > 1 }), weights.shape.count == 4,
            [1, 3].contains(weights.shape[1])
        else { return nil }
        self.init(network, weights, count: Self.mostInReport)
    }

    private static let mostInReport = 128

    /// Weights that are zero, or not finite, as after a run that diverged, are shown as zero.
    private static func sample(_ share: Float) -> UInt8 {
        UInt8((128 + 127 * (share.isFinite ? share : 0)).rounded())
    }
}
