import ApusKernels

/// Where an executor gets the images of a batch from. Called on the workers' threads, for many images at
/// once.
public protocol BatchSource: AnyObject, Sendable {
    /// Writes the image at `position` of the batch to image `index` of `tensor`.
    func load(_ position: Int, into tensor: Tensor, at index: Int)

    /// Writes the images at `positions` of the batch to `tensor`, which holds as many: what an executor calls. By default they
    /// are loaded one by one; a source that can do more with several at once says so here.
    func load(_ positions: Range<Int>, into tensor: Tensor)

    /// The class of the image at `position` of the batch; not called where no loss is asked for.
    func label(at position: Int) -> Int

    /// The class and the share of what was mixed into the image at `position` of the batch. By default nothing was.
    func mixture(at position: Int) -> Mixture?
}

extension BatchSource {
    public func load(_ positions: Range<Int>, into tensor: Tensor) {
        for (index, position) in positions.enumerated() { load(position, into: tensor, at: index) }
    }

    public func mixture(at position: Int) -> Mixture? { nil }
}

/// An image that another one was mixed into: what it counts of each class.
public struct Mixture: Sendable, Hashable {
    /// The class of the image that was mixed in.
    public var label: Int
    /// Its share, from 0 to 1; the rest is the image's own.
    public var share: Float

    public init(label: Int, share: Float) {
        self.label = label
        self.share = share
    }
}
