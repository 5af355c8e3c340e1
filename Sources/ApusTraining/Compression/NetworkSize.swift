import ApusNN

/// What a classifier costs to store and to run.
public struct NetworkSize: Sendable, Hashable, Codable {
    /// What a parameter takes in a file.
    public struct Parameter: Sendable, Hashable, Codable {
        public let name: String
        public let numbers: Int
        public let nonzeros: Int
        /// How it is stored: the places of its nonzero numbers, `all`, `bitmap` or `gaps`, and the numbers of a
        /// codebook, none where they are stored as floats.
        public let places: String
        public let codebook: Int
        public let bytes: Int
    }

    public let parameters: [Parameter]
    /// Of a forward pass over one image.
    public let multiplyAdds: Int
    /// Bytes of the file that `Classifier.save(to:)` writes.
    public let fileBytes: Int

    /// Measured by writing it, but not to a disk.
    public init(_ classifier: Classifier) throws {
        let network = classifier.network
        multiplyAdds = network.multiplyAdds
        fileBytes = try Checkpoint.encode(classifier).count
        parameters = network.parameters.map { parameter in
            let values = network.values(of: parameter)
            let form =
                classifier.constraints.contains(parameter.name) ? CompactTensor(values)?.form : nil
            return Parameter(
                name: parameter.name, numbers: values.count, nonzeros: values.count { $0 != 0 },
                places: (form?.places ?? .all).rawValue, codebook: form?.codebook ?? 0,
                bytes: form?.bytes ?? 4 * values.count)
        }
    }

    public var numbers: Int { parameters.reduce(0) { $0 + $1.numbers } }
    public var nonzeros: Int { parameters.reduce(0) { $0 + $1.nonzeros } }
    /// Bytes of all parameters; the rest of the file says what they are.
    public var parameterBytes: Int { parameters.reduce(0) { $0 + $1.bytes } }
}
