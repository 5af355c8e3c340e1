import ApusFormats
import ApusTraining
import Foundation

/// Named tensors from a file that a command line gives: a file of tensors, or one of our checkpoints.
struct TensorSource {
    static let kinds = "a safetensors, NumPy or PyTorch file, a checkpoint, or the folder of a run"

    /// The file itself, where a folder was given.
    let url: URL
    /// The checkpoint, if the file is one.
    let checkpoint: Checkpoint?
    /// The tensors; of a checkpoint the network's parameters alone.
    let file: TensorFile

    /// - Throws: `FileError`, `FormatError` or `RunFolderError` where there is no such file.
    init(_ path: String) throws {
        url = try RunFolder.checkpoint(at: URL(fileURLWithPath: path))
        // Read once: a pipe gives its bytes a single time.
        let bytes = try WholeFile.mapped(url)
        if Checkpoint.isCheckpoint(bytes) {
            let checkpoint = try Checkpoint(bytes, path: url.path)
            self.checkpoint = checkpoint
            file = TensorFile(checkpoint.parameters)
        } else {
            checkpoint = nil
            file = try TensorFile(bytes, name: url.path)
        }
    }

    /// The path as people would type it.
    var shownPath: String { RunFolder.shown(url.path) }
}

extension [Int] {
    /// A shape in a table: `6x1x5x5`.
    var shapeText: String { isEmpty ? "scalar" : map(String.init).joined(separator: "x") }
}
