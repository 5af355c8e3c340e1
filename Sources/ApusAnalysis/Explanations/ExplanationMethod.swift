import ApusNN

/// A way to tell what in an image counts for a class.
///
/// A method of one's own is a type that conforms: a request has all that ours are made of.
public protocol ExplanationMethod: Sendable {
    /// What the method is called, `Grad-CAM`.
    var name: String { get }

    /// Whether values below zero are evidence against the class; or else there are none.
    var isSigned: Bool { get }

    /// The layer whose maps the method looks at, nil where it looks at the image alone; by default nil. It is asked
    /// before anything is computed.
    ///
    /// - Parameter network: as in `ExplanationRequest`.
    /// - Throws: `ExplanationError` where the method does not suit the network.
    func layer(in network: Network) throws -> PlannedLayer?

    /// A map for each image of a request, for its class.
    ///
    /// - Throws: as `layer(in:)`; `AllocationError` where memory runs out.
    func maps(_ request: ExplanationRequest) throws -> [AttributionMap]
}

extension ExplanationMethod {
    public func layer(in network: Network) throws -> PlannedLayer? { nil }
}
