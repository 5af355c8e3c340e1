import ApusKernels
import ApusNN

/// A network of a paper: its layers, and what it is called and fed.
public protocol Model: Sendable {
    /// The name on the command line and in checkpoints.
    static var name: String { get }
    /// The images it was designed for.
    static var input: Shape { get }
    var classes: Int { get }
    var layers: Sequential { get }

    init(classes: Int)
}

extension Network {
    /// Plans `model` for images of `input`, by default those it was designed for.
    ///
    /// - Throws: `PlanningError` where a layer does not fit its input, naming the layer and both shapes.
    public convenience init(
        _ model: any Model, input: Shape? = nil, seed: UInt64 = 0, layout: Layout? = nil
    ) throws {
        try self.init(
            model.layers, input: input ?? type(of: model).input, seed: seed, layout: layout)
    }
}

/// The networks that can be asked for by name.
public enum ModelCatalog {
    public static let models: [any Model.Type] = [
        LeNet5.self, LeNet5Original.self, LeNet5Tutorial.self,
    ]

    public static var names: [String] { models.map { $0.name } }

    /// The kind of model of a name, or nil.
    public static func model(named name: String) -> (any Model.Type)? {
        models.first { $0.name == name }
    }
}
