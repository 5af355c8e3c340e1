import ApusFormats
import ApusKernels

extension Normalization {
    /// Images that say enough of their dataset: the mean of a thousand is within a few thousandths of that of all.
    public static let sampledImages = 1000

    /// Larger images say no more; decoding them takes longer.
    static let sampledSize = ImageSize(256)

    /// The mean and the deviation of each channel of a dataset's images, each image with the same weight.
    ///
    /// - Parameters:
    ///   - sample: the images looked at, drawn by `seed`; all where there are no more.
    /// - Throws: what keeps one of them from being read; `DataError.invalidNormalization` where all pixels of a
    ///   channel are alike.
    public init(of dataset: any Dataset, sample: Int = sampledImages, seed: UInt64 = 0) throws {
        let random = CounterRandom(seed: seed, purpose: .sampling)
        let images = random.permutation(count: dataset.count).prefix(max(1, sample)).sorted()
        let moments = try Workers().tryMap(count: images.count) { place in
            try Moments(of: dataset.image(images[place], atLeast: Self.sampledSize))
        }
        let count = Double(moments.count)
        let channels = 0..<dataset.channels
        let mean = channels.map { channel in moments.reduce(0) { $0 + $1.mean[channel] } / count }
        let squares = channels.map { channel in moments.reduce(0) { $0 + $1.square[channel] } / count }
        try self.init(
            mean: mean, deviation: channels.map { max(0, squares[$0] - mean[$0] * mean[$0]).squareRoot() })
    }

    /// The mean value and the mean square of each channel of an image, on the scale [0, 1].
    private struct Moments: Sendable {
        let mean: [Double]
        let square: [Double]

        init(of image: PixelImage) {
            var sums = [Int](repeating: 0, count: image.channels)
            var squares = sums
            for pixel in stride(from: 0, to: image.samples.count, by: image.channels) {
                for channel in 0..<image.channels {
                    let sample = Int(image.samples[pixel + channel])
                    sums[channel] += sample
                    squares[channel] += sample * sample
                }
            }
            let pixels = Double(image.height * image.width)
            mean = sums.map { Double($0) / (255 * pixels) }
            square = squares.map { Double($0) / (255 * 255 * pixels) }
        }
    }
}
