import ApusKernels

/// A step of a network: a value that says what it needs, and then computes where it is told to.
///
/// A layer is described once, planned for an input shape, and run many times, perhaps on several threads
/// at once. It holds no memory: parameters, what forward keeps for backward, and scratch are booked in
/// `plan` and handed out by the context, under the index at which they were booked.
public protocol Layer: Sendable {
    /// Says what the layer makes of an input of `shape` and which memory it needs.
    ///
    /// - Throws: `PlanningError`, made by `planning.error`, where the input does not fit.
    func plan(_ shape: Shape, in planning: Planning) throws -> LayerPlan

    /// Fills a share of the layer's prepared memory from its parameters, before a batch if they have changed. Threads fill shares at
    /// once, without scratch; what cannot be divided is that of the share which `hasWhole`.
    func prepare(_ context: LayerContext, share: Share)

    /// Computes `output`, which is not read, from `input`.
    ///
    /// A layer that was planned as `.inPlace` must cope with `output` being `input`, and with its not being.
    func forward(_ input: Tensor, into output: Tensor, _ context: LayerContext)

    /// Adds the parameters' gradients to `context.gradient(_:)`, or does as `context.parameterGradient(_:)` says, and sends the
    /// input's to `inputGradient`.
    ///
    /// `input` and `output` are forward's, if `plan` says that backward reads them. `outputGradient` is
    /// only read, but may be the tensor of `inputGradient` for a layer planned as `.inPlace`.
    func backward(
        _ outputGradient: Tensor, input: Tensor, output: Tensor, inputGradient: GradientDestination,
        _ context: LayerContext)

    /// What summaries call the layer; by default the name of its type.
    var kind: String { get }
}

extension Layer {
    public var kind: String { String(describing: type(of: self)) }

    public func prepare(_ context: LayerContext, share: Share) {}

    /// This layer under a name of its own in its container.
    public func named(_ name: String) -> NamedLayer { NamedLayer(name: name, layer: self) }

    /// This layer without a name: its parameters, and the layers inside, are named as if they stood in its
    /// container.
    public var unnamed: NamedLayer { NamedLayer(name: "", layer: self, isUnnamed: true) }
}

/// A layer and the name it has in its container.
public struct NamedLayer: Sendable {
    public let name: String
    public let layer: any Layer
    /// Whether paths leave the name out.
    var isUnnamed = false
    /// What runs in the layer's place, where planning has put something there that shares work with its neighbours.
    private(set) var running: any Layer

    init(name: String, layer: any Layer, isUnnamed: Bool = false) {
        self.name = name
        self.layer = layer
        self.isUnnamed = isUnnamed
        running = layer
    }

    /// The same layer, and what runs in its place.
    func running(_ layer: any Layer) -> NamedLayer {
        var named = self
        named.running = layer
        return named
    }
}

/// What a layer answers when it is planned: its output's shape, its cost and the memory it books.
public struct LayerPlan: Sendable {
    /// How a layer's output may lie in memory.
    public enum Storage: Sendable {
        /// In memory of its own.
        case own
        /// Over its input, if nobody reads that any more.
        case inPlace
        /// The input's memory under another shape: where that is granted, the layer is not run at all.
        case view
    }

    public var output: Shape
    public var parameters: [ParameterSpecification]
    /// Memory that lasts from forward to backward.
    public var saved: [BufferSize]
    /// Whether forward reads each of them no more once it writes the next but one.
    var savedTakesTurns = false
    /// Floats that all threads share, which `prepare` fills; and those that it fills where backward follows.
    public var prepared: [Int] = []
    public var preparedForBackward: [Int] = []
    /// Memory that lasts for one call of forward or backward.
    public var scratch: [BufferSize]
    /// Multiply-adds of a forward pass over one image; biases, activations and poolings count none.
    public var multiplyAdds: Int
    public var storage: Storage
    /// The way the layer is computed, in a few words, where there is a choice.
    public var algorithm: String?
    /// Whether backward reads forward's input or output, here or in a layer inside: these then keep their memory to themselves, and
    /// else need not be there any more.
    public var backwardReadsInput: Bool
    public var backwardReadsOutput: Bool
    /// The layers inside, for containers.
    public var children: [PlannedChild]

    public init(
        output: Shape, parameters: [ParameterSpecification] = [], saved: [BufferSize] = [],
        scratch: [BufferSize] = [], multiplyAdds: Int = 0, storage: Storage = .own,
        algorithm: String? = nil, backwardReadsInput: Bool = true, backwardReadsOutput: Bool = true,
        children: [PlannedChild] = []
    ) {
        self.output = output
        self.parameters = parameters
        self.saved = saved
        self.scratch = scratch
        self.multiplyAdds = multiplyAdds
        self.storage = storage
        self.algorithm = algorithm
        self.backwardReadsInput = backwardReadsInput
        self.backwardReadsOutput = backwardReadsOutput
        self.children = children
    }
}

/// The floats of a buffer: so many for each image of the batch, and so many in any case.
public struct BufferSize: Sendable, Hashable {
    public let perImage: Int
    public let fixed: Int

    public init(perImage: Int = 0, fixed: Int = 0) {
        self.perImage = perImage
        self.fixed = fixed
    }

    func count(images: Int) -> Int { FloatBuffer.aligned(perImage * images + fixed) }
}

/// A layer inside a container, as planned.
public struct PlannedChild: Sendable {
    let name: String
    let layer: any Layer
    /// What runs in its place.
    var running: any Layer
    var isUnnamed = false
    let path: String
    let input: Shape
    public internal(set) var plan: LayerPlan
    /// Where the container puts the layer's output.
    var route: Route = .output
    /// What lies there, if the layer computes those after it too and theirs is all that is kept.
    var keptOutput: Shape?
    var placement = PlannedLayer.Placement.own

    public var output: Shape { plan.output }
    /// The shape of what lies in memory after the layer has run.
    var stored: Shape { keptOutput ?? output }

    /// Places a container has for the output of a layer inside it.
    enum Route: Sendable, Equatable {
        /// The container's own output.
        case output
        /// The container's saved buffer of that index.
        case saved(Int)
        /// The container's scratch of that index.
        case scratch(Int)
        /// The container's input, under another shape.
        case input
    }
}

/// Where a layer is planned: its path in the network, and the layout of activations.
public struct Planning: Sendable {
    /// The names from the network's root down, joined by dots; empty for the root.
    public let path: String
    public let layout: Layout
    /// What computes products and convolutions.
    public let backend: Backend
    /// Whether a ReLU may be computed by the layer before it.
    let fusesActivations: Bool

    init(path: String, layout: Layout, backend: Backend, fusesActivations: Bool) {
        self.path = path
        self.layout = layout
        self.backend = backend
        self.fusesActivations = fusesActivations
    }

    /// Plans a layer inside a container.
    public func child(_ name: String, _ layer: any Layer, input: Shape) throws -> PlannedChild {
        try child(layer.named(name), input: input)
    }

    /// Plans a layer inside a container, under its name there if it has one.
    public func child(_ named: NamedLayer, input: Shape) throws -> PlannedChild {
        var inner = path
        if !named.isUnnamed { inner = path.isEmpty ? named.name : "\(path).\(named.name)" }
        var plan = try Planning(
            path: inner, layout: layout, backend: backend, fusesActivations: fusesActivations
        ).checked(named.running, input)
        // With channels last, another shape means another order of elements.
        if plan.storage == .view && layout == .channelsLast && plan.output != input { plan.storage = .own }
        return PlannedChild(
            name: named.name, layer: named.layer, running: named.running, isUnnamed: named.isUnnamed,
            path: inner, input: input, plan: plan)
    }

    /// Plans a layer here, and refuses a plan that could not be run.
    func checked(_ layer: any Layer, _ input: Shape) throws -> LayerPlan {
        let plan = try layer.plan(input, in: self)
        guard plan.output.height > 0, plan.output.width > 0, plan.output.channels > 0 else {
            let output = plan.output
            throw error("planned an output of \(output.height)x\(output.width)x\(output.channels)")
        }
        switch plan.storage {
        case .view where plan.output.count != input.count:
            throw error("planned its output \(plan.output) as a view of its input \(input)")
        case .inPlace where plan.output != input:
            throw error("planned its output \(plan.output) in place of its input \(input)")
        default: return plan
        }
    }

    /// An error that names this place.
    public func error(_ reason: String) -> PlanningError { PlanningError(path: path, reason: reason) }
}

/// A network that cannot be built for its input.
public struct PlanningError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The layer's path in the network.
    public let path: String
    public let reason: String

    /// - Parameter path: empty where the error concerns the network as a whole.
    public init(path: String = "", reason: String) {
        self.path = path
        self.reason = reason
    }
    public var description: String { path.isEmpty ? reason : "layer \(path): \(reason)" }
}
