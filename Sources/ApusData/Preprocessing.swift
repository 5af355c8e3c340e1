import ApusFormats
import ApusKernels

/// How an image, as a dataset holds it, becomes what a network sees: resized, grey repeated or colour turned to grey
/// as the network wants, normalised, and perhaps whitened, in this order.
///
/// It is done when an image is loaded into a batch, so a dataset stays as small as it is stored.
public struct Preprocessing: Sendable, Equatable {
    /// The extent of an image as datasets hold it; the input's, with the channels of the images, where their sizes
    /// differ. Images of another size are resized to the input's all the same.
    public let image: Shape
    /// Its extent as the network sees it.
    public let input: Shape
    /// Of the input's channels.
    public let normalization: Normalization
    /// What is done to the input after all this, the same for whatever images.
    public let whitening: Whitening?

    /// - Parameter normalization: of the input's channels; or of one for all that it is repeated in; or of the three
    ///   of colour that becomes grey, which then has their `luma`.
    /// - Throws: `DataError.invalidShape` where an extent is below 1; `.channelMismatch` where the images have other
    ///   channels than the input, but grey that is repeated and colour that becomes grey;
    ///   `.invalidNormalization` where the constants are for another number of channels; `WhiteningError.otherImages` where
    ///   the whitening is for another input.
    public init(
        image: Shape, input: Shape, normalization: Normalization, whitening: Whitening? = nil
    ) throws {
        for shape in [image, input] {
            _ = try ImageDataset.pixelCount(of: 1, shape, dataset: "preprocessing")
        }
        let becomesGrey = image.channels == 3 && input.channels == 1
        guard image.channels == input.channels || image.channels == 1 || becomesGrey else {
            throw DataError.channelMismatch(image: image.description, input: input.description)
        }
        self.image = image
        self.input = input
        self.normalization =
            image.channels == 1 && normalization.channels == 1
            ? normalization.repeated(channels: input.channels)
            : becomesGrey && normalization.channels == 3 ? normalization.luma : normalization
        self.whitening = whitening
        if let whitening, whitening.input != input {
            throw WhiteningError.otherImages(found: whitening.input, expected: input)
        }
        guard self.normalization.channels == input.channels else {
            throw DataError.invalidNormalization(
                reason: "found constants for \(normalization.channels) channels, expected \(input.channels)")
        }
    }

    /// Images are seen as they are, but normalised.
    public init(_ input: Shape, normalization: Normalization) throws {
        try self.init(image: input, input: input, normalization: normalization)
    }

    /// The images of `data`, brought to `size` if one is given, for a network that wants `channels`. Grey
    /// images have their channel repeated, and those of colour become grey for a network of one channel.
    ///
    /// - Throws: `DataError.noImageSize` where the images differ in size, and none is given.
    public init(for data: DatasetSplits, size: ImageSize? = nil, channels: Int) throws {
        let train = data.train
        guard let size = size ?? data.imageSize else { throw DataError.noImageSize(dataset: train.title) }
        let stored = data.imageSize ?? size
        let changes = train.channels == 1 || (train.channels == 3 && channels == 1)
        try self.init(
            image: Shape(height: stored.height, width: stored.width, channels: train.channels),
            input: Shape(
                height: size.height, width: size.width, channels: changes ? channels : train.channels),
            normalization: data.normalization)
    }

    /// The same, and images are whitened by what is fitted to those of `dataset`: training images, and no others.
    ///
    /// - Parameters:
    ///   - seed: draws the images where there are more than the settings ask for.
    ///   - threads: by default as many as the process may use; the result does not depend on it.
    /// - Throws: As `Whitening.init(_:of:preprocessed:seed:threads:)`.
    public func whitened(
        _ settings: Whitening.Settings, on dataset: any Dataset, seed: UInt64 = 0, threads: Int? = nil
    ) throws -> Preprocessing {
        try Preprocessing(
            image: image, input: input, normalization: normalization,
            whitening: Whitening(settings, of: dataset, preprocessed: self, seed: seed, threads: threads))
    }

    /// The same for the images of `data`, whatever these were made of: a network sees of them what it was trained on.
    ///
    /// - Parameters:
    ///   - size: what images are resized to, in place of the input's.
    ///   - normalization: in place of this one; of the channels of `data`, or the input's.
    /// - Throws: As `init(image:input:normalization:whitening:)`: a whitening is for its input alone.
    public func applied(
        to data: DatasetSplits, size: ImageSize? = nil, normalization: Normalization? = nil
    ) throws -> Preprocessing {
        let seen = size ?? ImageSize(height: input.height, width: input.width)
        let stored = data.imageSize ?? seen
        return try Preprocessing(
            image: Shape(height: stored.height, width: stored.width, channels: data.train.channels),
            input: Shape(height: seen.height, width: seen.width, channels: input.channels),
            normalization: normalization ?? self.normalization, whitening: whitening)
    }

    /// The constants as a dataset has them, of its images' channels.
    package var imageNormalization: Normalization {
        image.channels == input.channels ? normalization : normalization.repeated(channels: image.channels)
    }

    /// The channels of an image when it is resized: 1 where it is grey, or becomes so.
    package var channels: Int { min(image.channels, input.channels) }

    /// Whether images change their height or width.
    public var resizes: Bool { image.height != input.height || image.width != input.width }
}
