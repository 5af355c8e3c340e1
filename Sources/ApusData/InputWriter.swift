import ApusFormats
import ApusKernels

/// Writes images into batches as a network sees them: the one place where pixels become its input.
struct InputWriter: Sendable {
    private let preprocessing: Preprocessing
    /// What a byte becomes in each channel, where images keep their size.
    private let tables: [Float]
    /// How images change it that are of the extent that datasets hold, and what a pixel then becomes in each channel.
    private let resampling: Resampling?
    private let scales: [Float]
    private let offsets: [Float]

    init(_ preprocessing: Preprocessing) {
        let normalization = preprocessing.normalization
        self.preprocessing = preprocessing
        tables = (0..<normalization.channels).flatMap { normalization.table(channel: $0) }
        resampling =
            preprocessing.resizes
            ? Resampling(
                from: Shape(
                    height: preprocessing.image.height, width: preprocessing.image.width,
                    channels: preprocessing.channels),
                to: preprocessing.input) : nil
        scales = normalization.scales
        offsets = normalization.offsets
    }

    /// The size of the network's input.
    var size: ImageSize {
        ImageSize(height: preprocessing.input.height, width: preprocessing.input.width)
    }

    /// Does what is done to images once they are written, several at a time.
    func finish(_ images: Tensor) { preprocessing.whitening?.apply(to: images) }

    /// Writes images of the extent that datasets hold, but of `preprocessing.channels`, to all of `tensor`, image `i` from
    /// `bytes[start(i)]` on.
    func write(_ bytes: [UInt8], into tensor: Tensor, from start: (_ image: Int) -> Int) {
        precondition(
            tensor.shape == preprocessing.input,
            "images of \(preprocessing.input) for a network that sees \(tensor.shape)")
        let channels = preprocessing.channels
        guard let resampling else {
            tensor.load(bytes, channels: channels, tables: tables, from: start)
            return
        }
        for image in 0..<tensor.batch {
            let first = start(image)
            let own = bytes[first..<first + preprocessing.image.pixels * channels]
            write(own, resampled: resampling, into: tensor, at: image)
        }
    }

    /// Writes an image of any size and channels to image `index` of `tensor`.
    func write(_ image: PixelImage, into tensor: Tensor, at index: Int) {
        let image = image.converted(toChannels: preprocessing.channels)
        let shape = Shape(height: image.height, width: image.width, channels: image.channels)
        let resampling =
            image.size == size
            ? nil
            : shape == self.resampling?.source
                ? self.resampling : Resampling(from: shape, to: preprocessing.input)
        write(image.samples[...], resampled: resampling, into: tensor, at: index)
    }

    private func write(
        _ bytes: ArraySlice<UInt8>, resampled resampling: Resampling?, into tensor: Tensor, at index: Int
    ) {
        if let resampling {
            tensor.load(index, bytes: bytes, resampling: resampling, scales: scales, offsets: offsets)
        } else {
            tensor.load(index, bytes: bytes, tables: tables)
        }
    }
}
