import ApusFormats
import ApusKernels
import ApusNN
import Synchronization

/// A dataset's images with random changes, as a network's input: what a trainer learns from in place of the images
/// as they are.
///
/// What becomes of an image in an epoch follows from the seed alone.
public final class AugmentedImages: ImageSource {
    public let shape: Shape
    public let loaders: Loaders
    public let whitening: Whitening?
    private let dataset: any Dataset
    private let augmentation: Augmentation
    private let scales: [Float]
    private let offsets: [Float]
    /// Memory that no thread uses now.
    private let workspaces = Mutex<[TransformWorkspace]>([])

    /// - Parameters:
    ///   - preprocessing: what images become: those that come out of the transforms in another size than the
    ///     network's input are resized to it. Colour that becomes grey does so before the transforms.
    ///   - loaders: threads that load ahead. None by default: the workers augment the images that they compute
    ///     next, and no core waits for another.
    /// - Throws: where a transform is not as it should be, or not for such images; `DataError.channelMismatch` where
    ///   they have not the channels that `preprocessing` is for.
    public init(
        _ dataset: any Dataset, _ augmentation: Augmentation, _ preprocessing: Preprocessing,
        loaders: Loaders = .computing(0)
    ) throws {
        let input = preprocessing.input
        let dataset = preprocessing.grey(dataset)
        guard dataset.channels == 1 || dataset.channels == 3 && input.channels == 3 else {
            throw DataError.channelMismatch(
                image: "\(dataset.channels) channels", input: input.description)
        }
        var augmentation = try augmentation.prepared(for: dataset)
        let size = ImageSize(height: input.height, width: input.width)
        if try augmentation.outputSize(of: dataset.imageSize) != size {
            augmentation.transforms.append(Resize(size))
        }
        self.dataset = dataset
        self.augmentation = augmentation
        self.loaders = loaders
        shape = input
        whitening = preprocessing.whitening
        let normalization = preprocessing.normalization
        scales = normalization.deviation.map { Float(1 / $0) }
        offsets = normalization.offsets
    }

    public var name: String { ImageDataset.title(dataset.name, dataset.split) }
    public var count: Int { dataset.count }
    public var classCount: Int { dataset.classNames.count }
    public func label(of image: Int) -> Int { dataset.label(of: image) }

    public func mixture(of image: Int, seed: UInt64, epoch: Int) -> Mixture? {
        guard let mixup = augmentation.mixup else { return nil }
        let partner = mixup.partner(of: image, count: count, seed: seed, epoch: epoch)
        return Mixture(label: label(of: partner.image), share: partner.share)
    }

    public func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) throws {
        let workspace = workspaces.withLock { $0.popLast() } ?? TransformWorkspace()
        defer { workspaces.withLock { $0.append(workspace) } }
        let samples = try augmentation.samples(
            of: image, in: dataset, seed: seed, epoch: epoch, workspace)
        // A file may have become another since it was looked at.
        let found = Shape(
            height: samples.size.height, width: samples.size.width, channels: samples.channels)
        let expected = Shape(height: shape.height, width: shape.width, channels: dataset.channels)
        guard found == expected else {
            throw DataError.shapeMismatch(
                dataset: "image \(image) of \(name)", found: found.description,
                expected: expected.description)
        }
        tensor.load(index, samples: samples, scales: scales, offsets: offsets)
    }
}
