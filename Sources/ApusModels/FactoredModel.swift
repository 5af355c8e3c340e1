import ApusKernels
import ApusNN

/// A model of which some layers are the product of two narrower ones.
///
/// Its variant's name says all of it, `lenet5+conv2=8,fc1=20`: who knows the name can build the network again.
public struct FactoredModel<Base: Model>: Model {
    public static var name: String { Base.name }
    public static var input: Shape { Base.input }
    public static var layout: Layout { Base.layout }
    public static var defaultClasses: Int { Base.defaultClasses }

    public let base: Base
    public let ranks: LayerRanks
    public let layers: Sequential

    public var classes: Int { base.classes }

    public init(classes: Int) {
        base = Base(classes: classes)
        ranks = LayerRanks()
        layers = base.layers
    }

    /// - Throws: `FactoringError` where the model has no such layer.
    public init(_ base: Base, ranks: LayerRanks) throws(FactoringError) {
        self.base = base
        self.ranks = ranks
        layers = try base.layers.factored(ranks)
    }

    public var variantName: String { FactoredName(base: base.variantName, ranks: ranks).description }
}

extension Model {
    /// This model with layers factored.
    ///
    /// - Throws: `FactoringError` where it has no such layer.
    public func factored(_ ranks: LayerRanks) throws(FactoringError) -> any Model {
        ranks.entries.isEmpty ? self : try FactoredModel(self, ranks: ranks)
    }
}

/// The name of a model, in its parts: `lenet5+conv2=8,fc1=20`.
public struct FactoredName: Sendable, Hashable, CustomStringConvertible {
    public let base: String
    public var ranks: LayerRanks

    public init(base: String, ranks: LayerRanks) {
        self.base = base
        self.ranks = ranks
    }

    /// Reads a name; one that ends in no list of ranks is the base itself.
    public init(_ name: String) {
        if let plus = name.lastIndex(of: "+"),
            let ranks = try? LayerRanks(parsing: String(name[name.index(after: plus)...]))
        {
            self.init(base: String(name[..<plus]), ranks: ranks)
        } else {
            self.init(base: name, ranks: LayerRanks())
        }
    }

    public var description: String { ranks.entries.isEmpty ? base : "\(base)+\(ranks)" }

    /// The name for people: how many layers are factored, where they are too many to list.
    public var title: String {
        ranks.entries.count <= 4 ? description : "\(base) with \(ranks.entries.count) layers factored"
    }
}
