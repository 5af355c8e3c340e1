import ApusData
import ApusFormats
import ApusKernels
import ApusModels
import ApusNN
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

    /// What the network's input is whitened with.
    func whitening(of input: Shape) throws -> Whitening? {
        guard let summary = header.whitening else { return nil }
        do {
            return try Whitening(
                summary, input: input, mean: whiteningTensors[0].floats, matrix: whiteningTensors[1].floats)
        } catch let error as WhiteningError {
            throw CheckpointError(path: path, reason: "cannot be used: \(error)")
        }
    }

    /// The layers of a model the catalogue does not know, those factored that the file says.
    func factored(_ layers: Sequential) throws -> Sequential {
        do {
            return try layers.factored(FactoredName(header.model).ranks)
        } catch {
            throw CheckpointError(path: path, reason: "holds the model \(header.model): \(error)")
        }
    }
}
