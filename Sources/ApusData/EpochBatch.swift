import ApusNN

/// The batches of one epoch after the other, a batch at a time: what a trainer learns from.
public protocol EpochBatch: BatchSource {
    /// Images of an epoch.
    var count: Int { get }

    /// Bytes held for images that are loaded before their batch begins.
    var bytesAhead: Int { get }

    /// Puts the images in the random order of an epoch.
    func shuffle(seed: UInt64, epoch: Int)

    /// Makes the images at these places of the order the batch's.
    ///
    /// - Throws: what kept one of them from being loaded.
    func begin(_ places: Range<Int>) throws
}
