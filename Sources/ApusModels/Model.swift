import ApusKernels
import ApusNN

/// A network of a paper: its layers, and what it is called and fed.
public protocol Model: Sendable {
    /// The name on the command line and in checkpoints.
    static var name: String { get }
    /// The images it was designed for.
    static var input: Shape { get }
    /// The layout of activations it runs fastest in, on the vector kernels.
    static var layout: Layout { get }
    /// The classes it was designed for.
    static var defaultClasses: Int { get }
    var classes: Int { get }
    var layers: Sequential { get }

    init(classes: Int)

    /// The model's kinds: one, but for a model with options. Each has its own `variantName`.
    static func variants(classes: Int) -> [Self]

    /// The name with what the options add to it, under which a checkpoint finds the same layers again.
    var variantName: String { get }
}

extension Model {
    public static var layout: Layout { .channelsFirst }
    public static var defaultClasses: Int { 10 }
    public static func variants(classes: Int) -> [Self] { [Self(classes: classes)] }
    public var variantName: String { Self.name }
}

extension Network {
    /// Plans `model` for images of `input`, by default those it was designed for.
    ///
    /// - Parameters:
    ///   - layout: by default the model's own; but channels first for one with images last on the `gemm` backend, which
    ///     computes in matrices.
    ///   - backend: what computes products and convolutions.
    ///   - freezing: describes, by their names, the parameters that training leaves as they are.
    ///   - fusesActivations: whether a ReLU or a pool may be computed by the layer before it, whose own output is then nowhere
    ///     to be seen.
    /// - Throws: `PlanningError` where a layer does not fit its input, naming the layer and both shapes, or
    ///   where a pattern describes no parameter.
    public convenience init(
        _ model: any Model, input: Shape? = nil, seed: UInt64 = 0, layout: Layout? = nil,
        backend: Backend = .preferred, freezing: [NamePattern] = [], fusesActivations: Bool = true
    ) throws {
        let type = type(of: model)
        let own = type.layout == .imagesLast && backend == .gemm ? .channelsFirst : type.layout
        try self.init(
            model.layers, input: input ?? type.input, seed: seed, layout: layout ?? own,
            backend: backend, freezing: freezing, fusesActivations: fusesActivations)
    }
}

/// The networks that can be asked for by name.
public enum ModelCatalog {
    public static let models: [any Model.Type] = [
        LeNet5.self, LeNet5Original.self, LeNet5Tutorial.self, SqueezeNet1_0.self, SqueezeNet1_1.self,
    ]

    public static var names: [String] { models.map { $0.name } }

    /// The names of all kinds of all models.
    public static var variantNames: [String] {
        models.flatMap { type in
            let variants: [any Model] = type.variants(classes: type.defaultClasses)
            return variants.map(\.variantName)
        }
    }

    /// The model of a name, that of a variant or with factored layers included (see `FactoredModel`), or nil.
    ///
    /// - Parameter classes: by default those the model was designed for.
    public static func model(named name: String, classes: Int? = nil) -> (any Model)? {
        let parts = FactoredName(name)
        return try? variant(named: parts.base, classes: classes)?.factored(parts.ranks)
    }

    private static func variant(named name: String, classes: Int?) -> (any Model)? {
        for type in models {
            let variants: [any Model] = type.variants(classes: classes ?? type.defaultClasses)
            if let model = variants.first(where: { $0.variantName == name }) { return model }
        }
        return nil
    }
}
