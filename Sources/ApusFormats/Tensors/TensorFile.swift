import Foundation

/// The named tensors of a file, in the file's order, and what it says about itself.
public struct TensorFile: Sendable, Equatable {
    public var tensors: [FileTensor]
    /// Free text under free names, in formats that have it: safetensors.
    public var metadata: [String: String]

    public init(_ tensors: [FileTensor] = [], metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    /// The tensor of a name, or nil.
    public subscript(name: String) -> FileTensor? { tensors.first { $0.name == name } }

    /// - Throws: `TensorFileError` where two tensors have one name.
    func requireDistinctNames() throws {
        var names: Set<String> = []
        for tensor in tensors where !names.insert(tensor.name).inserted {
            throw TensorFileError.duplicateName(tensor.name)
        }
    }
}
