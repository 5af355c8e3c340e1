import ApusFormats
import ApusKernels

/// The images of a dataset as a network sees them, one at a time: decoded in no more detail than it sees, resized
/// and normalised.
public struct DatasetSource: ImageSource {
    private let dataset: any Dataset
    private let writer: InputWriter
    public let shape: Shape
    public let loaders: Loaders
    public let whitening: Whitening?

    /// - Parameter loaders: threads that load ahead. None by default: files on a disk near by are read from memory as
    ///   a rule, decoding them is computing, and no core then waits for another. Where files take time to come,
    ///   `.waiting(1)` and more hide it.
    /// - Throws: `DataError.channelMismatch` where the network sees neither grey nor coloured images.
    public init(
        _ dataset: any Dataset, _ preprocessing: Preprocessing, loaders: Loaders = .computing(0)
    ) throws {
        let (image, input) = (preprocessing.image, preprocessing.input)
        guard image.channels == 1 || image.channels == 3 else {
            throw DataError.channelMismatch(
                image: dataset.extentText(dataset.imageSize), input: input.description)
        }
        self.dataset = dataset
        self.loaders = loaders
        shape = input
        whitening = preprocessing.whitening
        writer = InputWriter(preprocessing)
    }

    public var name: String { dataset.title }
    public var count: Int { dataset.count }
    public var classCount: Int { dataset.classCount }
    public func label(of image: Int) -> Int { dataset.label(of: image) }

    public func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) throws {
        // What changes pixels, not knowing of tensors, has its place between these two.
        let pixels = try dataset.image(image, atLeast: writer.size)
        writer.write(pixels, into: tensor, at: index)
    }
}
