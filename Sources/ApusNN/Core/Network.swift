import ApusKernels
import Synchronization

/// A planned network and its parameters.
///
/// A network is planned once, for an input shape; an `Executor` runs it. Reading parameters while a step of
/// training runs is a programmer's error.
public final class Network: @unchecked Sendable {
    /// The model's layers.
    public let model: any Layer
    /// The extent of an input image.
    public let input: Shape
    /// The planned layers.
    public let root: PlannedLayer
    public let layout: Layout
    /// What computes products and convolutions.
    public let backend: Backend
    /// All parameters, in the order of planning.
    public let parameters: [Parameter]
    /// Floats of the block of parameters that training moves: its first ones.
    public let trainedFloats: Int
    /// Floats of its first ones, whose gradients can be made of factors.
    let factoredFloats: Int

    /// What an image takes to train where no layer computes another: shards are cut by it, so that fusing changes
    /// none.
    let unfusedImageFloats: Int

    private let block: FloatBuffer
    private let changes = Atomic<Int>(0)

    /// Plans `model` for images of `input` and initialises its parameters.
    ///
    /// - Parameters:
    ///   - seed: of the parameters' random numbers; the same seed gives the same bits in any layout.
    ///   - layout: of activations; images last is fastest where channels are few, as in LeNet-5, unless batches are of
    ///     a few images.
    ///   - backend: what computes products and convolutions.
    ///   - freezing: describes, by their names, the parameters that training leaves as they are.
    ///   - fusesActivations: whether a ReLU or a pool may be computed by the layer before it, whose own output is then nowhere
    ///     to be seen, and a ReLU's gradient by the layer after it; results have the same bits, but that channels last sums have
    ///     another order in gradients of a convolution's parameters before a pool, and in all gradients from a convolution before
    ///     a global average pool down.
    /// - Throws: `PlanningError` where a layer does not fit its input, naming the layer and both shapes, or
    ///   where a pattern describes no parameter.
    public convenience init(
        _ model: any Layer, input: Shape, seed: UInt64 = 0, layout: Layout = .channelsFirst,
        backend: Backend = .preferred, freezing: [NamePattern] = [], fusesActivations: Bool = true
    ) throws {
        try self.init(
            planning: model, input: input, layout: layout, backend: backend, freezing: freezing,
            fusesActivations: fusesActivations)
        try initialize(seed: seed)
    }

    /// A network whose parameters are still zero.
    private init(
        planning model: any Layer, input: Shape, layout: Layout, backend: Backend, freezing: [NamePattern],
        fusesActivations: Bool
    ) throws {
        guard input.height > 0, input.width > 0, input.channels > 0 else {
            throw PlanningError(reason: "an input of \(input.height)x\(input.width)x\(input.channels)")
        }
        let plan = try Planning(
            path: "", layout: layout, backend: backend, fusesActivations: fusesActivations
        ).checked(model, input)
        self.model = model
        self.input = input
        self.layout = layout
        self.backend = backend
        let planned = try PlannedLayer.number(plan, layer: model, input: input, freezing: freezing)
        root = planned.root
        var plain = planned.root
        if fusesActivations {
            let plan = try Planning(path: "", layout: layout, backend: backend, fusesActivations: false)
                .checked(model, input)
            plain = try PlannedLayer.number(plan, layer: model, input: input, freezing: freezing).root
        }
        unfusedImageFloats = MemoryPlan.floatsPerImage(plain)
        parameters = planned.parameters
        trainedFloats = planned.trainedFloats
        factoredFloats = planned.factoredFloats
        block = try FloatBuffer(count: planned.parameterFloats)
    }

    /// A network of the plan of another, with a copy of its parameters.
    private init(copying other: Network) throws {
        model = other.model
        input = other.input
        layout = other.layout
        backend = other.backend
        root = other.root
        unfusedImageFloats = other.unfusedImageFloats
        parameters = other.parameters
        trainedFloats = other.trainedFloats
        factoredFloats = other.factoredFloats
        block = try FloatBuffer(count: other.block.count)
        block.view.copy(from: other.block.view)
    }

    /// The same network with parameters of its own, a copy of these as they are.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func copy() throws -> Network { try Network(copying: self) }

    /// The network as it is best looked into, with a copy of these parameters: every layer computes its own output, and
    /// all parameters are frozen, so that backward computes the gradients of activations alone.
    ///
    /// - Throws: `AllocationError` where memory runs out.
    public func unfused() throws -> Network {
        let network = try Network(
            planning: model, input: input, layout: layout, backend: backend,
            freezing: parameters.isEmpty ? [] : ["*"], fusesActivations: false)
        network.changeParameters { block in
            // Frozen or not, a parameter has another place.
            for (own, other) in zip(network.parameters, parameters) {
                block.slice(own.range).copy(from: parameterBlock.slice(other.range))
            }
        }
        return network
    }

    /// The extent of an output.
    public var output: Shape { root.output }

    /// The parameters that training moves, in the order of planning.
    public var trainedParameters: [Parameter] { parameters.filter { !$0.isFrozen } }

    /// The parameters whose gradients are made of factors in batches of that size, in the order of their places: all that can, or
    /// none, where the factors would take more than three times the gradients, and what threads read of them more than it
    /// takes to add up lanes (`lenet5` from 218 images on).
    func factoredLayers(batchSize: Int) -> [(layer: PlannedLayer, parameter: Parameter)] {
        var found: [(layer: PlannedLayer, parameter: Parameter)] = []
        root.forEach { layer in
            found += layer.parameters.filter(\.hasGradientFactors).map { (layer, $0) }
        }
        let floats = found.reduce(0) { $0 + GradientFactors.floats($1.parameter, batchSize: batchSize) }
        return floats <= 3 * factoredFloats ? found : []
    }

    /// Numbers in all parameters, the frozen ones included.
    public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

    /// Multiply-adds of a forward pass over one image.
    public var multiplyAdds: Int { root.multiplyAdds }

    /// The block all parameters lie in, to be read (see `changeParameters`), each at its `range`, the frozen ones last; floats between them
    /// are zero.
    public var parameterBlock: FloatView { block.view }

    /// Lets `body` write the block; after that executors prepare the parameters anew.
    public func changeParameters<Result>(_ body: (FloatView) throws -> Result) rethrows -> Result {
        defer { changes.add(1, ordering: .releasing) }
        return try body(block.view)
    }

    /// How often the parameters may have changed.
    var parameterVersion: Int { changes.load(ordering: .acquiring) }

    /// Sets every parameter anew from its initialiser.
    ///
    /// - Throws: `LAPACKError` where LAPACK fails.
    public func initialize(seed: UInt64) throws {
        try changeParameters { block in
            for (unit, parameter) in parameters.enumerated() {
                let specification = parameter.specification
                let random = CounterRandom(seed: seed, purpose: .initialization, unit: unit)
                let values = try specification.initializer.values(shape: specification.shape, random: random)
                block.slice(parameter.range).copy(from: specification.reordered(values, toFile: false))
            }
        }
    }

    /// The parameter of a name.
    ///
    /// - Throws: `ParameterError.unknown` where there is none.
    public func parameter(named name: String) throws -> Parameter {
        guard let parameter = parameters.first(where: { $0.name == name }) else {
            throw ParameterError.unknown(name: name, known: parameters.map(\.name))
        }
        return parameter
    }

    /// A parameter's elements in the order of files: PyTorch's.
    public func values(of parameter: Parameter) -> [Float] {
        values(of: parameter, in: block.view)
    }

    /// The elements that belong to `parameter`, in the order of files, of a block laid out as the
    /// parameters are: a gradient, or an optimiser's state, which have no place for frozen ones.
    public func values(of parameter: Parameter, in block: FloatView) -> [Float] {
        parameter.specification.reordered(block.slice(parameter.range).array, toFile: true)
    }

    /// Sets a parameter from elements in the order of files.
    ///
    /// - Throws: `ParameterError.count` where there are more or fewer than its shape has.
    public func setValues(_ values: [Float], of parameter: Parameter) throws {
        try changeParameters { try setValues(values, of: parameter, in: $0) }
    }

    /// Sets the elements that belong to `parameter` in a block laid out as the parameters are.
    ///
    /// - Throws: `ParameterError.count` where there are more or fewer than its shape has.
    public func setValues(_ values: [Float], of parameter: Parameter, in block: FloatView) throws {
        guard values.count == parameter.count else {
            throw ParameterError.count(
                name: parameter.name, shape: parameter.shape, found: values.count)
        }
        block.slice(parameter.range).copy(from: parameter.specification.reordered(values, toFile: false))
    }
}

/// A parameter that is not there, or does not fit.
public enum ParameterError: Error, Sendable, Hashable, CustomStringConvertible {
    case unknown(name: String, known: [String])
    case count(name: String, shape: [Int], found: Int)

    public var description: String {
        switch self {
        case .unknown(let name, let known):
            "no parameter is named \(name); there are \(known.joined(separator: ", "))"
        case .count(let name, let shape, let found):
            "parameter \(name) of shape \(shape) wants \(shape.reduce(1, *)) elements, found \(found)"
        }
    }
}
