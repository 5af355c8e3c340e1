import ApusKernels
import ApusNN

/// Images that take time to come by: that are read from files, decoded or augmented.
///
/// Called on several threads at once. What an image is must follow from its index, the seed and the epoch
/// alone (see `CounterRandom`): then a run has the same bits on any number of threads, and when it is resumed.
public protocol ImageSource: Sendable {
    /// What errors call it.
    var name: String { get }
    /// Images of an epoch.
    var count: Int { get }
    /// The extent of an image as it is loaded: a network's input.
    var shape: Shape { get }
    var classCount: Int { get }
    /// The threads that load ahead.
    var loaders: Loaders { get }
    /// What is done to images once they are loaded, several at a time. By default nothing is.
    var whitening: Whitening? { get }

    /// The class of an image, in 0..<classCount.
    func label(of image: Int) -> Int

    /// The class and the share of what is mixed into an image in an epoch. By default nothing is.
    func mixture(of image: Int, seed: UInt64, epoch: Int) -> Mixture?

    /// Writes an image to image `index` of `tensor`, before it is whitened.
    ///
    /// - Throws: what keeps it from being loaded; training stops before the step that would need it.
    func load(_ image: Int, seed: UInt64, epoch: Int, into tensor: Tensor, at index: Int) throws
}

extension ImageSource {
    public var whitening: Whitening? { nil }
    public func mixture(of image: Int, seed: UInt64, epoch: Int) -> Mixture? { nil }
}

/// Threads that load the next batch's images while a batch is computed.
public enum Loaders: Sendable, Hashable {
    /// They mostly wait, for a disk or a network, and leave the cores to those that compute.
    case waiting(Int)
    /// They mostly compute, as decoding does, and are taken from the threads that may.
    case computing(Int)

    /// The loaders and the workers where `threads` may compute: at least one worker.
    package func shares(of threads: Int) -> (loaders: Int, workers: Int) {
        switch self {
        case .waiting(let count): return (max(0, count), threads)
        case .computing(let count):
            let loaders = max(0, min(count, threads - 1))
            return (loaders, threads - loaders)
        }
    }
}
