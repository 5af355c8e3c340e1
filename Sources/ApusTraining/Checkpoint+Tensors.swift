import ApusFormats
import Foundation

/// A checkpoint as a file of tensors.
extension Checkpoint {
    /// Whether the bytes of a file begin as a checkpoint's do.
    package static func isCheckpoint(_ bytes: Data) -> Bool { bytes.starts(with: magic) }

    /// Height, width and channels of an image.
    package var input: [Int] { header.input }

    /// The network's parameters, under PyTorch's names and in its layout.
    package var parameters: [FileTensor] {
        guard let training = header.training else { return fileTensors }
        let isAveraged = training.isAveraged ?? false
        guard isAveraged || training.stateCount > 0 else { return fileTensors }
        let prefix = isAveraged ? Checkpoint.rawPrefix : Checkpoint.statePrefix(0)
        return Array(fileTensors.prefix { !$0.name.hasPrefix(prefix) })
    }
}
