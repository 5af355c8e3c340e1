import ApusNN

/// What training keeps of weights that were compressed, by the names of parameters.
public struct WeightConstraints: Sendable, Hashable, Codable {
    /// Of these parameters, what is zero stays zero: it has no gradient.
    public var pruned: [String]
    /// Of these parameters, what is equal stays equal: it is moved by the sum of its gradients.
    public var shared: [String]

    public init(pruned: [String] = [], shared: [String] = []) {
        self.pruned = pruned
        self.shared = shared
    }

    public var isEmpty: Bool { pruned.isEmpty && shared.isEmpty }

    /// The constraints on parameters that `isIncluded` says yes to.
    public func filter(_ isIncluded: (String) -> Bool) -> WeightConstraints {
        WeightConstraints(pruned: pruned.filter(isIncluded), shared: shared.filter(isIncluded))
    }

    /// Whether a parameter is under one of them.
    func contains(_ name: String) -> Bool { pruned.contains(name) || shared.contains(name) }

    /// The first name that is no parameter of a network.
    func unknownName(in network: Network) -> String? {
        guard !isEmpty else { return nil }
        let known = Set(network.parameters.map(\.name))
        return (pruned + shared).first { !known.contains($0) }
    }
}
