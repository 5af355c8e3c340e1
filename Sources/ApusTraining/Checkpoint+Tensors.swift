import ApusFormats
import Foundation

/// A checkpoint as a file of tensors.
extension Checkpoint {
    /// Whether the file at `url` begins as a checkpoint does; one that cannot be read does not.
    package static func isCheckpoint(at url: URL) -> Bool {
        guard let file = try? FileHandle(forReadingFrom: url) else { return false }
        defer { try? file.close() }
        return (try? file.read(upToCount: magic.count)) == magic
    }

    /// Height, width and channels of an image.
    package var input: [Int] { header.input }

    /// The network's parameters, under PyTorch's names and in its layout.
    package var parameters: [FileTensor] {
        guard (header.training?.stateCount ?? 0) > 0 else { return fileTensors }
        let state = Checkpoint.stateName(0, of: "")
        return Array(fileTensors.prefix { !$0.name.hasPrefix(state) })
    }
}
